# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Makes sense of what a parser caught: definitions with their scope, names in use, imports.

Everything is ordered by where it stands, and one walk over it keeps the stack of what is open: whatever is nested
how deep, it is read in one pass, and a file that is broken in one place is read in all others.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag.engine.symbols.captures import Capture, Match
from rag.engine.symbols.facts import (
    LONGEST_NAME,
    LONGEST_SCOPE,
    LONGEST_SIGNATURE,
    Definition,
    Import,
    Reading,
    Reference,
    ReferenceKind,
    SymbolKind,
)
from rag.engine.symbols.grammar import Grammar
from rag.engine.symbols.importing import read_imports

MOST_DEFINITIONS = 5_000
MOST_REFERENCES = 20_000
MOST_LINES = 200
"""How often a name is noted inside of one definition; who uses it more often uses it."""

_SPACE = re.compile(r"\s+")
_HOLDERS = frozenset({SymbolKind.CLASS, SymbolKind.INTERFACE, SymbolKind.STRUCT, SymbolKind.ENUM, SymbolKind.TRAIT})
# The same place may be caught by several patterns: the first of these that holds is what it is.
_STRENGTH = {kind: number for number, kind in enumerate(SymbolKind)}
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class _Span:
    """Something that has an inside: a definition, or what only holds some."""

    name: str
    kind: SymbolKind | None
    place: Capture
    at: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class _Use:
    name: str
    kind: ReferenceKind
    line: int
    at: int


def read_symbols(source: bytes, matches: Sequence[Match], *, grammar: Grammar, path: str, reason: str = "") -> Reading:
    """Return what the file at ``path`` says, given what its grammar's query caught in it."""
    spans = _spans(source, matches, grammar)
    imports = read_imports(source, matches, language=grammar.name, path=path)
    known = _known(spans, imports)
    uses = [use for use in _uses(source, matches, grammar) if use.kind is not ReferenceKind.USE or use.name in known]
    definitions, references = _walk(source, spans, uses)
    if len(definitions) > MOST_DEFINITIONS or len(references) > MOST_REFERENCES:
        reason = reason or "too_many_symbols"
    references = [*references[:MOST_REFERENCES], *_imported(imports)]
    return Reading(grammar.name, definitions[:MOST_DEFINITIONS], references, imports, reason)


def _spans(source: bytes, matches: Sequence[Match], grammar: Grammar) -> list[_Span]:
    best: dict[int, _Span] = {}
    for match in matches:
        found = {capture.name: capture for capture in match}
        place = next((capture for capture in match if capture.name.startswith("def.") or capture.name == "scope"), None)
        if place is None or "name" not in found:
            continue
        span = _span(source, place, found, grammar=grammar)
        if span is not None and _is_better(span, best.get(span.at)):
            best[span.at] = span
    return sorted(best.values(), key=lambda span: (span.place.start, -span.place.end))


def _span(source: bytes, place: Capture, found: dict[str, Capture], *, grammar: Grammar) -> _Span | None:
    name = found["name"].text(source)
    if not name or len(name) > LONGEST_NAME or "\n" in name:
        return None
    owner = found["owner"].text(source) if "owner" in found else ""
    kind = SymbolKind(place.name.removeprefix("def.")) if place.name != "scope" else None
    for separator in grammar.separators:
        if separator in name:
            before, _, name = name.rpartition(separator)
            owner = before.replace(separator, ".")
    return _Span(name, _nearer(name, kind), place, found["name"].end - len(name.encode()), owner)


def _nearer(name: str, kind: SymbolKind | None) -> SymbolKind | None:
    return SymbolKind.CONSTANT if kind is SymbolKind.VARIABLE and _CONSTANT.match(name) else kind


def _is_better(span: _Span, other: _Span | None) -> bool:
    if other is None or other.kind is None:
        return True
    return span.kind is not None and _STRENGTH[span.kind] < _STRENGTH[other.kind]


def _uses(source: bytes, matches: Sequence[Match], grammar: Grammar) -> Iterator[_Use]:
    best: dict[int, _Use] = {}
    for match in matches:
        for capture in match:
            if not capture.name.startswith("ref.") or capture.end - capture.start > LONGEST_NAME:
                continue
            name, kind = capture.text(source), ReferenceKind(capture.name.removeprefix("ref."))
            if name in grammar.common or (kind is ReferenceKind.TYPE and len(name) == 1):
                continue
            other = best.get(capture.start)
            if other is None or _WEIGHT[kind] < _WEIGHT[other.kind]:
                best[capture.start] = _Use(name, kind, capture.first_line, capture.start)
    return iter(sorted(best.values(), key=lambda use: use.at))


_WEIGHT = {kind: number for number, kind in enumerate(ReferenceKind)}


def _known(spans: Iterable[_Span], imports: Iterable[Import]) -> frozenset[str]:
    # A bare name may be anything; it is worth noting where it is the file's own, or was taken from elsewhere.
    own = {span.name for span in spans}
    taken = {name for one in imports for name in one.names}
    modules = {one.target.rpartition("/")[2] for one in imports}
    return frozenset(own | taken | modules)


def _walk(source: bytes, spans: Sequence[_Span], uses: Sequence[_Use]) -> tuple[list[Definition], list[Reference]]:
    definitions: list[Definition] = []
    lines: dict[tuple[str, ReferenceKind, str], list[int]] = {}
    # The name of a definition is none of its uses, though patterns for types catch it.
    named = {span.at for span in spans}
    stack: list[_Span] = []
    for at, item in _in_order(spans, uses):
        while stack and stack[-1].place.end <= at:
            stack.pop()
        if isinstance(item, _Span):
            if item.kind is not None:
                definitions.append(_definition(source, item, stack))
            stack.append(item)
        elif item.at not in named:
            noted = lines.setdefault((item.name, item.kind, _inside(stack)), [])
            if len(noted) < MOST_LINES and item.line not in noted[-1:]:
                noted.append(item.line)
    references = [Reference(name, kind, inside, tuple(on)) for (name, kind, inside), on in lines.items()]
    return definitions, references


def _in_order(spans: Sequence[_Span], uses: Sequence[_Use]) -> list[tuple[int, _Span | _Use]]:
    items: list[tuple[int, int, int, _Span | _Use]] = [(span.place.start, -span.place.end, 0, span) for span in spans]
    items.extend((use.at, 0, 1, use) for use in uses)
    items.sort(key=lambda item: item[:3])
    return [(item[0], item[3]) for item in items]


def _definition(source: bytes, span: _Span, stack: Sequence[_Span]) -> Definition:
    kind = span.kind or SymbolKind.VARIABLE
    if kind is SymbolKind.FUNCTION and (span.owner or _holds(stack[-1] if stack else None)):
        kind = SymbolKind.METHOD
    return Definition(
        name=span.name,
        kind=kind,
        scope=".".join(part for part in (_scope(stack), span.owner) if part)[-LONGEST_SCOPE:],
        signature=_signature(source, span.place),
        first_line=span.place.first_line,
        last_line=max(span.place.first_line, span.place.last_line),
    )


def _holds(holder: _Span | None) -> bool:
    return holder is not None and (holder.kind is None or holder.kind in _HOLDERS)


def _scope(stack: Sequence[_Span]) -> str:
    return ".".join(f"{span.owner}.{span.name}" if span.owner else span.name for span in stack)


def _inside(stack: Sequence[_Span]) -> str:
    return _scope(stack)[-LONGEST_SCOPE:]


def _signature(source: bytes, place: Capture) -> str:
    end = place.body if place.body > place.start else place.end
    head = source[place.start : min(end, place.start + 4 * LONGEST_SIGNATURE)].decode("utf-8", "replace")
    if place.body >= place.end:
        head = head.partition("\n")[0]
    return _SPACE.sub(" ", head).strip().rstrip("{:=; ").strip()[:LONGEST_SIGNATURE]


def _imported(imports: Iterable[Import]) -> list[Reference]:
    names: dict[str, list[int]] = {}
    for one in imports:
        for name in one.names:
            lines = names.setdefault(name, [])
            if one.line not in lines:
                lines.append(one.line)
    return [Reference(name, ReferenceKind.IMPORT, "", tuple(lines)) for name, lines in names.items()]
