# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Java."""

from rag.engine.symbols.grammar import Grammar, names

JAVA = Grammar(
    name="java",
    suffixes=(".java",),
    common=names(
        "String Integer Long Boolean Double Object List Map Set Optional Override println equals hashCode toString "
        "isEmpty Void Exception RuntimeException stream"
    ),
    query="""
(class_declaration name: (identifier) @name) @def.class
(record_declaration name: (identifier) @name) @def.class
(interface_declaration name: (identifier) @name) @def.interface
(annotation_type_declaration name: (identifier) @name) @def.interface
(enum_declaration name: (identifier) @name) @def.enum
(method_declaration name: (identifier) @name) @def.method
(constructor_declaration name: (identifier) @name) @def.method
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @def.field
(enum_constant name: (identifier) @name) @def.constant

(method_invocation name: (identifier) @ref.call)
(object_creation_expression type: (type_identifier) @ref.call)
(object_creation_expression type: (generic_type (type_identifier) @ref.call))
(method_reference (identifier) (identifier) @ref.call)
(marker_annotation name: (identifier) @ref.call)
(annotation name: (identifier) @ref.call)
(superclass (type_identifier) @ref.base)
(superclass (generic_type (type_identifier) @ref.base))
(super_interfaces (type_list (type_identifier) @ref.base))
(super_interfaces (type_list (generic_type (type_identifier) @ref.base)))
(extends_interfaces (type_list (type_identifier) @ref.base))
(type_identifier) @ref.type
(method_invocation object: (identifier) @ref.use)
(field_access object: (identifier) @ref.use)

(import_declaration [(scoped_identifier) (identifier)] @module) @import
""",
)
