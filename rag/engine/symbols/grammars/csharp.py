# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""C#."""

from rag.engine.symbols.grammar import Grammar, names

CSHARP = Grammar(
    name="csharp",
    suffixes=(".cs",),
    common=names("ToString Equals GetHashCode WriteLine nameof Select Where ToList Task List String"),
    query="""
(namespace_declaration name: (_) @name) @def.namespace
(class_declaration name: (identifier) @name) @def.class
(record_declaration name: (identifier) @name) @def.class
(struct_declaration name: (identifier) @name) @def.struct
(interface_declaration name: (identifier) @name) @def.interface
(enum_declaration name: (identifier) @name) @def.enum
(enum_member_declaration name: (identifier) @name) @def.constant
(delegate_declaration name: (identifier) @name) @def.type
(method_declaration name: (identifier) @name) @def.method
(constructor_declaration name: (identifier) @name) @def.method
(local_function_statement name: (identifier) @name) @def.function
(property_declaration name: (identifier) @name) @def.field
(field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @def.field
(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @def.field

(invocation_expression function: (identifier) @ref.call)
(invocation_expression function: (member_access_expression name: (identifier) @ref.call))
(invocation_expression function: (member_access_expression name: (generic_name (identifier) @ref.call)))
(invocation_expression function: (generic_name (identifier) @ref.call))
(invocation_expression function: (conditional_access_expression
  (member_binding_expression name: (identifier) @ref.call)))
(object_creation_expression type: (identifier) @ref.call)
(object_creation_expression type: (generic_name (identifier) @ref.call))
(attribute name: (identifier) @ref.call)
(base_list (identifier) @ref.base)
(base_list (generic_name (identifier) @ref.base))
(parameter type: (identifier) @ref.type)
(variable_declaration type: (identifier) @ref.type)
(property_declaration type: (identifier) @ref.type)
(method_declaration returns: (identifier) @ref.type)
(type_argument_list (identifier) @ref.type)
(member_access_expression expression: (identifier) @ref.use)
(argument (identifier) @ref.use)

(using_directive (qualified_name) @module) @import
(using_directive !name (identifier) @module) @import
""",
)
