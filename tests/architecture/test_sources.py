# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What every source file has, and what none may be: the mark, a name that says something, a bounded length."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import HOUSE, MARK, python, sources, tracked

FORBIDDEN = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "services", "service", "shared"})
# Templates cannot give names to a filter's arguments, and pytest gives tests theirs.
NAMELESS = frozenset({"tests", "templatetags"})
SOURCES, PYTHON = sources(), python()


def test_there_are_sources() -> None:
    assert len(PYTHON) > 100


def test_every_source_carries_the_mark() -> None:
    assert [str(path) for path in SOURCES if not _is_marked(path)] == []


def test_no_name_says_nothing() -> None:
    assert [str(path) for path in tracked() if path.stem in FORBIDDEN or set(path.parts[:-1]) & FORBIDDEN] == []


def test_modules_are_short() -> None:
    assert {str(path): lines for path in PYTHON if (lines := len(_text(path).splitlines())) > 400} == {}


def test_functions_are_short() -> None:
    lengths = sorted((length, name) for path in PYTHON if path.parts[0] != "tests" for name, length in _functions(path))
    figures = [length for length, _ in lengths]
    assert [entry for entry in lengths if entry[0] > 60] == []
    assert figures[len(figures) // 2] <= 10
    assert figures[len(figures) * 9 // 10] <= 30


def test_arguments_beyond_the_second_have_names() -> None:
    assert [name for path in PYTHON if not NAMELESS & set(path.parts) for name in _crowded(path)] == []


@pytest.mark.parametrize("word", ["issue #", "/work/", "/tmp/plan"])
def test_the_house_knows_nothing_of_how_it_was_built(word: str) -> None:
    # The word is put together here so that this file does not find itself.
    found = [
        str(path) for path in SOURCES if path != Path("tests/architecture/test_sources.py") and word in _text(path)
    ]
    assert found == []


def _text(path: Path) -> str:
    return (HOUSE / path).read_text(encoding="utf-8")


def _is_marked(path: Path) -> bool:
    head = [line for line in _text(path).splitlines()[:4] if not line.startswith("#!")]
    return not _text(path).strip() or any(MARK in line for line in head[:2])


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(_text(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [line for line in ast.unparse(_without_words(node)).splitlines() if line]
            yield f"{path}:{node.lineno} {node.name}", min(len(body), (node.end_lineno or 0) - node.lineno + 1)


def _without_words(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
    if ast.get_docstring(node) and len(node.body) > 1:
        node.body = node.body[1:]
    return node


# Signatures that a framework dictates: what it calls by position cannot be given names.
DICTATED = frozenset({"__call__", "__init__", "__exit__", "__aexit__", "parse", "process_view", "connect_tcp"})


def _crowded(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(_text(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in DICTATED:
            names = [argument.arg for argument in node.args.posonlyargs + node.args.args]
            if len([name for name in names if name not in {"self", "cls"}]) > 3:
                yield f"{path}:{node.lineno} {node.name}({', '.join(names)})"
