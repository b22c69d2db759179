# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ruby."""

from rag.engine.symbols.grammar import Grammar, names

RUBY = Grammar(
    name="ruby",
    suffixes=(".rb", ".rake", ".gemspec", ".ru"),
    files=("Rakefile", "Gemfile"),
    separators=("::",),
    common=names(
        "puts require require_relative attr_reader attr_accessor attr_writer raise new each map to_s to_i nil? empty? "
        "freeze include extend private lambda proc"
    ),
    query="""
(module name: (_) @name) @def.namespace
(class name: (_) @name) @def.class
(method name: (_) @name) @def.function
(singleton_method name: (_) @name) @def.function
(assignment left: (constant) @name) @def.constant

(call method: (identifier) @ref.call)
(call method: (constant) @ref.call)
(call receiver: (constant) @ref.type)
(body_statement (identifier) @ref.call)
(superclass (constant) @ref.base)
(superclass (scope_resolution name: (constant) @ref.base))
(call method: (identifier) @_mix (#any-of? @_mix "include" "extend" "prepend")
  arguments: (argument_list (constant) @ref.base))
(scope_resolution name: (constant) @ref.type)
(argument_list (constant) @ref.use)

(call method: (identifier) @_require (#any-of? @_require "require" "require_relative" "load")
  arguments: (argument_list (string (string_content) @module))) @import
""",
)
