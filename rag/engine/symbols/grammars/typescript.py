# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""TypeScript, with and without JSX."""

from rag.engine.symbols.grammar import Grammar
from rag.engine.symbols.grammars.javascript import CALLS, COMMON, DEFINITIONS, JSX

_QUERY = f"""
(class_declaration name: (type_identifier) @name) @def.class
(abstract_class_declaration name: (type_identifier) @name) @def.class
(interface_declaration name: (type_identifier) @name) @def.interface
(type_alias_declaration name: (type_identifier) @name) @def.type
(enum_declaration name: (identifier) @name) @def.enum
(internal_module name: (_) @name) @def.namespace
(module name: (_) @name) @def.namespace
(function_signature name: (identifier) @name) @def.function
(method_signature name: (property_identifier) @name) @def.method
(abstract_method_signature name: (property_identifier) @name) @def.method
(public_field_definition name: (property_identifier) @name
  value: [(arrow_function) (function_expression)]) @def.method
(public_field_definition name: (property_identifier) @name) @def.field
(extends_clause value: (identifier) @ref.base)
(extends_clause value: (member_expression property: (property_identifier) @ref.base))
(implements_clause (type_identifier) @ref.base)
(implements_clause (generic_type name: (type_identifier) @ref.base))
(extends_type_clause type: (type_identifier) @ref.base)
(type_identifier) @ref.type
{DEFINITIONS}{CALLS}
"""

TYPESCRIPT = Grammar(name="typescript", suffixes=(".ts", ".mts", ".cts"), common=COMMON, query=_QUERY)
TSX = Grammar(name="tsx", suffixes=(".tsx",), common=COMMON, query=_QUERY + JSX)
