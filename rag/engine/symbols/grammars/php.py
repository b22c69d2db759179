# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PHP."""

from rag.engine.symbols.grammar import Grammar, names

PHP = Grammar(
    name="php",
    suffixes=(".php", ".phtml", ".php5", ".inc"),
    common=names("count isset empty array_map in_array sprintf implode explode self static parent"),
    query="""
(class_declaration name: (name) @name) @def.class
(interface_declaration name: (name) @name) @def.interface
(trait_declaration name: (name) @name) @def.trait
(enum_declaration name: (name) @name) @def.enum
(enum_case name: (name) @name) @def.constant
(function_definition name: (name) @name) @def.function
(method_declaration name: (name) @name) @def.method
(const_declaration (const_element (name) @name)) @def.constant
(property_element name: (variable_name (name) @name)) @def.field
(namespace_definition name: (namespace_name) @name body: (_)) @def.namespace

(function_call_expression function: (name) @ref.call)
(function_call_expression function: (qualified_name (name) @ref.call))
(member_call_expression name: (name) @ref.call)
(nullsafe_member_call_expression name: (name) @ref.call)
(scoped_call_expression name: (name) @ref.call)
(scoped_call_expression scope: (name) @ref.type)
(object_creation_expression (name) @ref.call)
(object_creation_expression (qualified_name (name) @ref.call))
(attribute (name) @ref.call)
(base_clause (name) @ref.base)
(class_interface_clause (name) @ref.base)
(declaration_list (use_declaration (name) @ref.base))
(named_type (name) @ref.type)
(class_constant_access_expression . (name) @ref.type)

(namespace_use_declaration (namespace_use_clause . [(qualified_name) (name)] @module)) @import
(namespace_use_declaration (namespace_name) @module
  body: (namespace_use_group (namespace_use_clause . (name) @imported))) @import
(require_once_expression (string (string_content) @module)) @import
(require_expression (string (string_content) @module)) @import
(include_expression (string (string_content) @module)) @import
(include_once_expression (string (string_content) @module)) @import
""",
)
