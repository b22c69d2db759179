# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""JSON and lines of it: objects as lines of ``name: value`` under their paths, read in one pass whatever its depth."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rag.adapters.parsing.decoding import text_of
from rag.adapters.parsing.plain_text import paragraphs
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, Parsed
from rag.engine.passages import Place

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|//[^\n]*|/\*.*?\*/|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.S)
_BARE = re.compile(r"-?\d[\d.eE+-]*|true|false|null|-?Infinity|NaN")
_SIMPLE = re.compile(r"[A-Za-z_$][\w$-]*")
_LONGEST_UNIT = 800
_LONGEST_RUN = 400
_SHOWN_OF_RUN = 100
_DEEPEST = 1_000
_NAMES_SHOWN = 5


class NotJson(Exception):
    """The text does not follow the rules, from here on."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """Lines of text that belong together: a value, or all of a small object."""

    said: tuple[str, ...]
    step: str
    lines: tuple[int, int]

    @property
    def size(self) -> int:
        return sum(map(len, self.said))


@dataclass(slots=True)
class _Level:
    """An object or a list under way. ``label`` is what it is called in what is above, ``name`` the value to come."""

    is_object: bool
    step: str
    label: str
    line: int
    units: list[_Unit] = field(default_factory=list)
    size: int = 0
    index: int = 0
    name: str | None = None
    is_told: bool = False

    @property
    def next_step(self) -> str:
        if not self.is_object:
            return f"[{self.index}]"
        name = self.name or ""
        return f".{name}" if _SIMPLE.fullmatch(name) else f"[{json.dumps(name, ensure_ascii=False)}]"


def read(raw: Raw) -> Parsed:
    """Read the records; what is not quite JSON is read as text from where it is not."""
    text = text_of(raw)
    blocks = _Reading(text, is_lines=raw.kind.media_type == "application/jsonl").blocks()
    return Parsed(raw.name, raw.kind.media_type, "", blocks)


class _Reading:
    """One pass over a text."""

    def __init__(self, text: str, *, is_lines: bool) -> None:
        self._text = text
        self._root = _Level(is_object=False, step="", label="", line=1, is_told=True)
        self._stack = [self._root]
        self._is_lines = is_lines
        self._line = 1

    def blocks(self) -> Iterator[Block]:
        """Yield each object, or each part of one that is large."""
        at = 0
        try:
            for found in _TOKEN.finditer(self._text):
                self._pass_over(at, found.start())
                at = found.start()
                yield from self._take(found.group())
                self._line += self._text.count("\n", at, found.end())
                at = found.end()
            self._pass_over(at, len(self._text))
        except NotJson:
            yield from self._tell()
            yield from paragraphs(self._text[at:], line=self._line)
        else:
            yield from self._tell()

    def _pass_over(self, start: int, end: int) -> None:
        between = self._text[start:end]
        if between.strip():
            raise NotJson
        self._line += between.count("\n")

    def _take(self, sign: str) -> Iterator[Block]:
        first, level = sign[0], self._stack[-1]
        if first in "{[":
            self._open(is_object=first == "{")
        elif first in "}]":
            yield from self._close()
        elif first == ",":
            level.index, level.name = level.index + 1, None
        elif first == "/" or sign == ":":
            return
        elif level.is_object and level.name is None:
            level.name = _text_of(sign)
        else:
            yield from self._value(sign)

    def _open(self, *, is_object: bool) -> None:
        if len(self._stack) > _DEEPEST:
            raise Unreadable("too_deep")
        above = self._stack[-1]
        level = _Level(is_object=is_object, step=self._next_step(), label=above.name or "", line=self._line)
        self._stack.append(level)

    def _next_step(self) -> str:
        above = self._stack[-1]
        if above is not self._root:
            return above.next_step
        return f"$[{above.index}]" if self._is_lines or above.index else "$"

    def _value(self, sign: str) -> Iterator[Block]:
        if sign[0] != '"' and not _BARE.fullmatch(sign):
            raise NotJson
        level, value = self._stack[-1], _shown(_text_of(sign))
        if value:
            said = f"{level.name}: {value}" if level.is_object else value
            last = self._line + sign.count("\n")
            yield from self._add(_Unit((said,), self._next_step(), (self._line, last)))
        self._pass_by()

    def _close(self) -> Iterator[Block]:
        if len(self._stack) == 1:
            raise NotJson
        level = self._stack.pop()
        if not level.is_told and level.units:
            yield from self._add(_joined(level, last=self._line))
        self._pass_by()

    def _pass_by(self) -> None:
        # Values of lines have no comma between them.
        if self._stack[-1] is self._root:
            self._root.index += 1

    def _add(self, unit: _Unit) -> Iterator[Block]:
        level = self._stack[-1]
        level.units.append(unit)
        level.size += unit.size
        if level.is_told or level.size > _LONGEST_UNIT:
            yield from self._tell()

    def _tell(self) -> Iterator[Block]:
        """Yield all that waits, outermost first: none of what is open can be told as one any more."""
        path, labels = "", list[str]()
        for level in self._stack:
            path += level.step
            if level.label:
                labels.append(level.label)
            for unit in level.units:
                yield _block(unit, path, labels)
            level.units, level.size, level.is_told = [], 0, True


def _block(unit: _Unit, path: str, labels: list[str]) -> Block:
    place = Place(path=path + unit.step, lines=unit.lines)
    return Block("\n".join(unit.said), place, tuple(labels[-_NAMES_SHOWN:]), "record")


def _joined(level: _Level, *, last: int) -> _Unit:
    """Return all of a small object or list as one; each line says by which names it is reached."""
    name = level.label
    said = [line for unit in level.units for line in unit.said]
    if not level.is_object and all(len(unit.said) == 1 for unit in level.units):
        values = ", ".join(said)
        lines: tuple[str, ...] = (f"{name}: {values}" if name else values,)
    else:
        lines = tuple(f"{name}.{line}" if name else line for line in said)
    return _Unit(lines, level.step, (level.line, last))


def _text_of(sign: str) -> str:
    if sign[0] != '"':
        return "" if sign == "null" else sign
    try:
        # Controls inside strings are wrong and harmless.
        text: str = json.loads(sign, strict=False)
    except ValueError:
        return sign[1:-1]
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _shown(value: str) -> str:
    if len(value) > _LONGEST_RUN and not any(blank in value[:_LONGEST_RUN] for blank in " \n\t"):
        # Pictures and keys, written in letters: nobody asks for them.
        return f"{value[:_SHOWN_OF_RUN]}\u2026"
    return value.strip()
