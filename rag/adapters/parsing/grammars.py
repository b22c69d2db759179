# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the grammars of languages call the things that code is parted at."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import tree_sitter_bash
import tree_sitter_c
import tree_sitter_c_sharp
import tree_sitter_cpp
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_php
import tree_sitter_python
import tree_sitter_ruby
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language

_COMMENTS = frozenset({"comment", "line_comment", "block_comment", "doc_comment"})
# They stand before what they say something about.
_MARKS = frozenset({"decorator", "attribute_item", "attribute_list", "annotation", "marker_annotation"})
_BODIES = (
    "class_body interface_body enum_body declaration_list field_declaration_list block statement_block object_type "
    "body_statement enum_declaration_list compound_statement do_block namespace_body"
)


@dataclass(frozen=True, slots=True)
class Grammar:
    """``containers`` hold definitions, ``leaves`` are kept whole; ``wrappers`` stand around one of either.

    ``seen_through`` hold definitions without being a scope, as conditions of the preprocessor do.
    """

    language: Language
    containers: frozenset[str]
    leaves: frozenset[str]
    wrappers: frozenset[str] = frozenset()
    seen_through: frozenset[str] = frozenset()
    comments: frozenset[str] = _COMMENTS
    marks: frozenset[str] = _MARKS
    bodies: frozenset[str] = frozenset(_BODIES.split())


_SCRIPT_LEAVES = (
    "function_declaration generator_function_declaration method_definition lexical_declaration variable_declaration "
)
_TYPED_LEAVES = _SCRIPT_LEAVES + (
    "interface_declaration type_alias_declaration enum_declaration function_signature abstract_method_signature"
)
_TYPED = ("class_declaration abstract_class_declaration internal_module module", _TYPED_LEAVES)
_TYPED_WRAPPERS = "export_statement ambient_declaration expression_statement"
_CONDITIONS = "preproc_ifdef preproc_if preproc_else preproc_elif linkage_specification declaration_list"

_PLANS: dict[str, tuple[Callable[[], Any], str, str, str, str]] = {
    "python": (
        tree_sitter_python.language,
        "class_definition",
        "function_definition",
        "decorated_definition",
        "if_statement try_statement block else_clause except_clause",
    ),
    "javascript": (tree_sitter_javascript.language, "class_declaration", _SCRIPT_LEAVES, "export_statement", ""),
    "typescript": (tree_sitter_typescript.language_typescript, *_TYPED, _TYPED_WRAPPERS, ""),
    "tsx": (tree_sitter_typescript.language_tsx, *_TYPED, _TYPED_WRAPPERS, ""),
    "go": (tree_sitter_go.language, "", "function_declaration method_declaration type_declaration", "", ""),
    "rust": (
        tree_sitter_rust.language,
        "impl_item trait_item mod_item",
        "function_item function_signature_item struct_item enum_item union_item macro_definition",
        "",
        "",
    ),
    "java": (
        tree_sitter_java.language,
        "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration",
        "method_declaration constructor_declaration compact_constructor_declaration static_initializer",
        "",
        "enum_body_declarations",
    ),
    "c": (
        tree_sitter_c.language,
        "",
        "function_definition struct_specifier union_specifier enum_specifier type_definition preproc_function_def",
        "",
        _CONDITIONS,
    ),
    "cpp": (
        tree_sitter_cpp.language,
        "class_specifier struct_specifier namespace_definition",
        "function_definition union_specifier enum_specifier type_definition preproc_function_def alias_declaration",
        "template_declaration",
        _CONDITIONS,
    ),
    "csharp": (
        tree_sitter_c_sharp.language,
        "namespace_declaration class_declaration struct_declaration interface_declaration record_declaration",
        "method_declaration constructor_declaration destructor_declaration operator_declaration property_declaration "
        "indexer_declaration enum_declaration delegate_declaration",
        "",
        "preproc_if preproc_else",
    ),
    "ruby": (tree_sitter_ruby.language, "module class singleton_class", "method singleton_method", "", ""),
    "php": (
        tree_sitter_php.language_php,
        "class_declaration interface_declaration trait_declaration enum_declaration namespace_definition",
        "function_definition method_declaration",
        "",
        "",
    ),
    "bash": (tree_sitter_bash.language, "", "function_definition", "", "if_statement compound_statement"),
}


@cache
def grammar_of(language: str) -> Grammar | None:
    """Return the grammar of a language, None where there is none."""
    plan = _PLANS.get(language)
    if plan is None:
        return None
    load, *words = plan
    containers, leaves, wrappers, seen_through = (frozenset(said.split()) for said in words)
    return Grammar(Language(load()), containers, leaves, wrappers, seen_through)


def load_all() -> None:
    """Load every grammar, so that none is looked for later."""
    for language in _PLANS:
        grammar_of(language)
