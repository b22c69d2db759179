# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""JavaScript, with JSX; TypeScript says the same and more."""

from rag.engine.symbols.grammar import Grammar, names

COMMON = names(
    "require console log push map forEach then catch finally join split slice includes indexOf "
    "toString stringify string number boolean any void unknown never Promise Array "
    "Object Map Set Date Math String Number Boolean Error Record Partial trim"
)

CALLS = """
(call_expression function: (identifier) @ref.call)
(call_expression function: (member_expression property: (property_identifier) @ref.call))
(call_expression function: (member_expression property: (private_property_identifier) @ref.call))
(new_expression constructor: (identifier) @ref.call)
(new_expression constructor: (member_expression property: (property_identifier) @ref.call))
(decorator (identifier) @ref.call)
(decorator (call_expression function: (identifier) @ref.call))
(arguments (identifier) @ref.use)
(variable_declarator value: (identifier) @ref.use)
(return_statement (identifier) @ref.use)
(pair value: (identifier) @ref.use)
(shorthand_property_identifier) @ref.use
(array (identifier) @ref.use)
(member_expression object: (identifier) @ref.use)

(import_statement source: (string (string_fragment) @module)) @import
(import_statement
  (import_clause (named_imports (import_specifier name: (identifier) @imported)))
  source: (string (string_fragment) @module)) @import
(import_statement (import_clause (identifier) @imported) source: (string (string_fragment) @module)) @import
(export_statement source: (string (string_fragment) @module)) @import
(call_expression function: (identifier) @_require (#eq? @_require "require")
  arguments: (arguments (string (string_fragment) @module))) @import
(call_expression function: (import) arguments: (arguments (string (string_fragment) @module))) @import
"""

DEFINITIONS = """
(function_declaration name: (identifier) @name) @def.function
(generator_function_declaration name: (identifier) @name) @def.function
(method_definition name: (property_identifier) @name) @def.method
(method_definition name: (private_property_identifier) @name) @def.method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @def.function
(variable_declarator name: (identifier) @name value: (class)) @def.class
(program (lexical_declaration (variable_declarator name: (identifier) @name) @def.variable))
(program (variable_declaration (variable_declarator name: (identifier) @name) @def.variable))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @def.variable)))
(assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: [(arrow_function) (function_expression)]) @def.function
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression)]) @def.method
"""

JSX = """
(jsx_opening_element name: (identifier) @ref.call)
(jsx_self_closing_element name: (identifier) @ref.call)
(jsx_expression (identifier) @ref.use)
"""

JAVASCRIPT = Grammar(
    name="javascript",
    suffixes=(".js", ".mjs", ".cjs", ".jsx"),
    common=COMMON,
    query=f"""
(class_declaration name: (identifier) @name) @def.class
(field_definition property: (property_identifier) @name value: [(arrow_function) (function_expression)]) @def.method
(field_definition property: (property_identifier) @name) @def.field
(class_heritage (identifier) @ref.base)
(class_heritage (member_expression property: (property_identifier) @ref.base))
{DEFINITIONS}{CALLS}{JSX}
""",
)
