# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Go."""

from rag.engine.symbols.grammar import Grammar, names

GO = Grammar(
    name="go",
    suffixes=(".go",),
    common=names(
        "len cap make new append copy delete panic recover print println error string int int64 int32 uint8 "
        "byte bool float64 rune any Errorf Sprintf Printf Println Error String uint64 uint32 uint"
    ),
    query="""
(function_declaration name: (identifier) @name) @def.function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @owner
    (pointer_type (type_identifier) @owner)
    (generic_type type: (type_identifier) @owner)
    (pointer_type (generic_type type: (type_identifier) @owner))]))
  name: (field_identifier) @name) @def.method
(type_spec name: (type_identifier) @name type: (struct_type)) @def.struct
(type_spec name: (type_identifier) @name type: (interface_type)) @def.interface
(type_spec name: (type_identifier) @name) @def.type
(type_alias name: (type_identifier) @name) @def.type
(interface_type (method_elem name: (field_identifier) @name) @def.method)
(source_file (const_declaration (const_spec name: (identifier) @name) @def.constant))
(source_file (var_declaration (var_spec name: (identifier) @name) @def.variable))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @def.variable)))
(struct_type (field_declaration_list (field_declaration name: (field_identifier) @name) @def.field))

(call_expression function: (identifier) @ref.call)
(call_expression function: (selector_expression field: (field_identifier) @ref.call))
(composite_literal type: (type_identifier) @ref.call)
(composite_literal type: (qualified_type name: (type_identifier) @ref.call))
(field_declaration !name type: (type_identifier) @ref.base)
(type_identifier) @ref.type
(argument_list (identifier) @ref.use)
(keyed_element (literal_element (identifier) @ref.use))
(selector_expression operand: (identifier) @ref.use)

(import_spec path: (interpreted_string_literal (interpreted_string_literal_content) @module)) @import
""",
)
