# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""C; C++ says the same and more."""

from rag.engine.symbols.grammar import Grammar, names

COMMON = names(
    "printf fprintf malloc free memcpy memset strlen strcmp sizeof size_t uint8_t uint32_t uint64_t int32_t int64_t "
    "NULL assert std move string vector make_unique make_shared uint16_t snprintf push_back begin end size"
)

SHARED = """
(struct_specifier name: (type_identifier) @name body: (_)) @def.struct
(union_specifier name: (type_identifier) @name body: (_)) @def.struct
(enum_specifier name: (type_identifier) @name body: (_)) @def.enum
(type_definition declarator: (type_identifier) @name) @def.type
(type_definition declarator: (function_declarator
  declarator: (parenthesized_declarator (pointer_declarator declarator: (type_identifier) @name)))) @def.type
(preproc_def name: (identifier) @name) @def.macro
(preproc_function_def name: (identifier) @name) @def.macro
(function_definition declarator: (function_declarator declarator: (identifier) @name)) @def.function
(function_definition
  declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @def.function
(function_definition declarator: (pointer_declarator
  declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))) @def.function
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name)) @def.variable)
(translation_unit (declaration declarator: (identifier) @name) @def.variable)
(enumerator name: (identifier) @name) @def.constant

(call_expression function: (identifier) @ref.call)
(call_expression function: (field_expression field: (field_identifier) @ref.call))
(type_identifier) @ref.type
(argument_list (identifier) @ref.use)
(initializer_list (identifier) @ref.use)
(initializer_pair value: (identifier) @ref.use)

(preproc_include path: (string_literal (string_content) @module)) @import
(preproc_include path: (system_lib_string) @module) @import
"""

C = Grammar(name="c", suffixes=(".c", ".h"), common=COMMON, query=SHARED)
