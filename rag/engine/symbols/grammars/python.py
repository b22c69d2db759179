# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Python."""

from rag.engine.symbols.grammar import Grammar, names

PYTHON = Grammar(
    name="python",
    suffixes=(".py", ".pyi", ".pyw"),
    common=names(
        "print len str int float bool list dict set tuple range isinstance super type open enumerate zip sorted map "
        "filter any all min max sum abs repr getattr setattr hasattr iter next id hash None object bytes Any Optional "
        "Union List Dict Set Tuple Sequence Iterable Iterator Callable Mapping property staticmethod classmethod "
        "ValueError TypeError KeyError RuntimeError Exception append join format items keys values split strip "
        "startswith endswith encode decode"
    ),
    query="""
(class_definition name: (identifier) @name) @def.class
(function_definition name: (identifier) @name) @def.function
(type_alias_statement left: (type (identifier) @name)) @def.type
(module (expression_statement (assignment left: (identifier) @name) @def.variable))
(module (expression_statement (assignment left: (pattern_list (identifier) @name)) @def.variable))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @def.field)))

(call function: (identifier) @ref.call)
(call function: (attribute attribute: (identifier) @ref.call))
(decorator (identifier) @ref.call)
(decorator (attribute attribute: (identifier) @ref.call))
(class_definition superclasses: (argument_list (identifier) @ref.base))
(class_definition superclasses: (argument_list (attribute attribute: (identifier) @ref.base)))
(type (identifier) @ref.type)
(type (attribute attribute: (identifier) @ref.type))
(generic_type (identifier) @ref.type)
(attribute object: (identifier) @ref.use)
(argument_list (identifier) @ref.use)
(keyword_argument value: (identifier) @ref.use)
(assignment right: (identifier) @ref.use)
(return_statement (identifier) @ref.use)
(list (identifier) @ref.use)
(tuple (identifier) @ref.use)
(pair value: (identifier) @ref.use)
(except_clause (identifier) @ref.use)
(raise_statement (identifier) @ref.use)

(import_statement name: (dotted_name) @module) @import
(import_statement name: (aliased_import name: (dotted_name) @module)) @import
(import_from_statement module_name: (_) @module name: (dotted_name) @imported) @import
(import_from_statement module_name: (_) @module name: (aliased_import name: (dotted_name) @imported)) @import
(import_from_statement module_name: (_) @module (wildcard_import)) @import
""",
)
