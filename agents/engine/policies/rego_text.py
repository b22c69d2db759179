# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rego text, looked at before it is compiled: whether it names what reaches out, or what is never the same.

A decision must come out alike each time it is asked for: an approval is bound to what was asked. So neither the clock
nor chance may be asked, nor anything outside. Names are refused wherever they stand, since Rego hands functions on by
their names alone (``with count as opa.runtime``).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from agents.engine.findings import Findings

MOST_REGO_CHARACTERS = 50_000
PACKAGE = "codexos"

_REACHING = {
    "http": "asks other machines",
    "net": "asks other machines",
    "opa": "tells of the process it runs in",
    "providers": "signs requests to others",
    "rand": "comes out otherwise each time",
    "uuid": "comes out otherwise each time",
    "time": "asks the clock",
    "trace": "writes to somewhere",
    "print": "writes to somewhere",
    "io": "has to do with keys",
    "crypto": "has to do with keys",
}
_TOKEN = re.compile(
    r"""(?P<skip>\#[^\r\n]*|"(?:[^"\\\r\n]|\\.)*"|`[^`]*`|\s+)|(?P<name>[A-Za-z_]\w*)|(?P<other>.)""",
    re.DOTALL | re.ASCII,
)
_OPEN = re.compile(r"[\[({]")
_MOST_NESTING = 50


class Name(NamedTuple):
    """A name in Rego text that stands for itself, not one that is looked up in another."""

    word: str
    at: int


def check_rego(source: str, findings: Findings, *, place: str = "$.rego.source") -> None:
    """Tell what speaks against a text before it is compiled."""
    names = list(names_in(source))
    if [name.word for name in names[:1]] != ["package"] or not _is_ours(source):
        findings.error(place, f"Begin with 'package {PACKAGE}' and give it a rule 'decision'.")
    for name in names:
        if name.word in _REACHING:
            line, column = _where(source, name.at)
            findings.error(
                place,
                f"Line {line}, column {column}: {name.word!r} is not at hand here, since it {_REACHING[name.word]}. "
                "Do without it; nothing else may have that name either.",
            )
            return
    if "$" in (match.group() for match in _TOKEN.finditer(source)):
        findings.error(place, 'Texts that are put together ($"…") are not taken. Use sprintf.')
    if _depth(source) > _MOST_NESTING:
        findings.error(place, f"It is nested deeper than {_MOST_NESTING} brackets. Flatten it.")


def names_in(source: str) -> Iterator[Name]:
    """List the names in a text, but for those after a dot."""
    before = ""
    for match in _TOKEN.finditer(source):
        if match["skip"] is not None:
            continue
        if match["name"] is not None and before != ".":
            yield Name(match["name"], match.start())
        before = match.group()


def _is_ours(source: str) -> bool:
    said = re.search(r"^[ \t]*package[ \t]+([^\s#]+)", source, re.MULTILINE)
    return said is not None and said[1] == PACKAGE


def _depth(source: str) -> int:
    depth = most = 0
    for match in _TOKEN.finditer(source):
        if match["skip"] is None:
            mark = match.group()
            depth += 1 if _OPEN.fullmatch(mark) else -1 if mark in "])}" else 0
            most = max(most, depth)
    return most


def _where(source: str, at: int) -> tuple[int, int]:
    return source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)
