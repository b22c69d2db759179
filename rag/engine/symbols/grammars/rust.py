# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rust."""

from rag.engine.symbols.grammar import Grammar, names

RUST = Grammar(
    name="rust",
    suffixes=(".rs",),
    separators=("::",),
    common=names(
        "Some None Ok Err String Vec Option Result Box Self clone unwrap expect to_string into iter map collect len "
        "format println vec panic assert assert_eq str as_ref as_str is_empty Rc Arc"
    ),
    query="""
(function_item name: (identifier) @name) @def.function
(function_signature_item name: (identifier) @name) @def.function
(struct_item name: (type_identifier) @name) @def.struct
(union_item name: (type_identifier) @name) @def.struct
(enum_item name: (type_identifier) @name) @def.enum
(trait_item name: (type_identifier) @name) @def.trait
(type_item name: (type_identifier) @name) @def.type
(const_item name: (identifier) @name) @def.constant
(static_item name: (identifier) @name) @def.variable
(macro_definition name: (identifier) @name) @def.macro
(mod_item name: (identifier) @name body: (_)) @def.namespace
(field_declaration name: (field_identifier) @name) @def.field
(impl_item type: [(type_identifier) @name (generic_type type: (type_identifier) @name)
  (scoped_type_identifier name: (type_identifier) @name)]) @scope

(call_expression function: (identifier) @ref.call)
(call_expression function: (field_expression field: (field_identifier) @ref.call))
(call_expression function: (scoped_identifier name: (identifier) @ref.call))
(call_expression function: (generic_function function: (identifier) @ref.call))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @ref.call)))
(struct_expression name: (type_identifier) @ref.call)
(macro_invocation macro: (identifier) @ref.call)
(macro_invocation macro: (scoped_identifier name: (identifier) @ref.call))
(impl_item trait: (type_identifier) @ref.base)
(impl_item trait: (generic_type type: (type_identifier) @ref.base))
(trait_bounds (type_identifier) @ref.base)
(type_identifier) @ref.type
(scoped_identifier path: (identifier) @ref.use)
(arguments (identifier) @ref.use)

(use_declaration argument: (_) @module) @import
(mod_item name: (identifier) @module !body) @import
""",
)
