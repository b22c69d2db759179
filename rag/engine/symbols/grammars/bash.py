# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Bash, and what other shells share with it."""

from rag.engine.symbols.grammar import Grammar, names

BASH = Grammar(
    name="bash",
    suffixes=(".sh", ".bash", ".bats", ".ksh"),
    files=(".bashrc", ".bash_profile", ".profile"),
    common=names(
        "echo cd exit return set test local export source . printf read shift eval exec true false if [ [[ mkdir rm cp "
        "mv cat grep sed awk ls kill sleep trap"
    ),
    query="""
(function_definition name: (word) @name) @def.function
(program (variable_assignment name: (variable_name) @name) @def.variable)
(program (declaration_command (variable_assignment name: (variable_name) @name) @def.variable))

(command name: (command_name (word) @ref.call))

(command name: (command_name (word) @_source) (#any-of? @_source "source" ".")
  argument: [(word) (string) (concatenation)] @module) @import
""",
)
