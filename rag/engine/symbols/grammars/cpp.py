# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""C++."""

from rag.engine.symbols.grammar import Grammar
from rag.engine.symbols.grammars.c import COMMON, SHARED

CPP = Grammar(
    name="cpp",
    suffixes=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx", ".inl", ".ipp", ".cu", ".cuh"),
    separators=("::",),
    common=COMMON,
    query=f"""
{SHARED}
(class_specifier name: (type_identifier) @name body: (_)) @def.class
(class_specifier name: (template_type name: (type_identifier) @name) body: (_)) @def.class
(namespace_definition name: (_) @name) @def.namespace
(alias_declaration name: (type_identifier) @name) @def.type
(concept_definition name: (identifier) @name) @def.type
(function_definition declarator: (function_declarator declarator: (qualified_identifier) @name)) @def.method
(function_definition declarator: (reference_declarator
  (function_declarator declarator: (qualified_identifier) @name))) @def.method
(function_definition declarator: (pointer_declarator
  declarator: (function_declarator declarator: (qualified_identifier) @name))) @def.method
(function_definition declarator: (reference_declarator
  (function_declarator declarator: (identifier) @name))) @def.function
(function_definition declarator: (function_declarator declarator: (field_identifier) @name)) @def.method
(function_definition declarator: (function_declarator declarator: (operator_name) @name)) @def.function
(field_declaration declarator: (function_declarator declarator: (field_identifier) @name)) @def.method
(field_declaration declarator: (field_identifier) @name) @def.field
(call_expression function: (qualified_identifier name: (identifier) @ref.call))
(call_expression function: (template_function name: (identifier) @ref.call))
(call_expression function: (qualified_identifier name: (template_function name: (identifier) @ref.call)))
(new_expression type: (type_identifier) @ref.call)
(base_class_clause (type_identifier) @ref.base)
(base_class_clause (qualified_identifier name: (type_identifier) @ref.base))
(base_class_clause (template_type name: (type_identifier) @ref.base))
""",
)
