# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Word documents (DOCX): paragraphs and tables under their headings, as the text stands with all changes taken."""

import io
import re
import zipfile
from collections.abc import Iterator

from rag.adapters.parsing.decoding import clean
from rag.adapters.parsing.markdown_text import Headings
from rag.adapters.parsing.packed_xml import Event, events
from rag.adapters.parsing.plain_text import LONGEST_BLOCK, title_from
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, BlockKind, Parsed
from rag.engine.passages import Place

_DOCUMENT, _STYLES, _PROPERTIES = "word/document.xml", "word/styles.xml", "docProps/core.xml"
_HEADING = re.compile(r"heading\s*([1-9])", re.I)
# Text that was taken out, and the second telling of what is told for newer programs.
_SKIPPED = frozenset({"del", "moveFrom", "Fallback"})
_BLANKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(raw: Raw) -> Parsed:
    """Read the document. Raises Unreadable where there is no text in it."""
    packed = zipfile.ZipFile(io.BytesIO(raw.content))
    blocks = _Body(_levels(packed)).blocks(events(packed, _DOCUMENT))
    first = next(blocks, None)
    if first is None:
        raise Unreadable("empty")
    title = _title(packed) or (first.headings[-1] if first.kind == "heading" else raw.name)
    return Parsed(title, raw.kind.media_type, "", _with_first(first, blocks))


def _with_first(first: Block, blocks: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from blocks


def _title(packed: zipfile.ZipFile) -> str:
    if _PROPERTIES not in packed.namelist():
        return ""
    told = (event.element.text for event in events(packed, _PROPERTIES) if (event.what, event.name) == ("end", "title"))
    return title_from(clean(next(told, "") or ""))


def _levels(packed: zipfile.ZipFile) -> dict[str, int]:
    """Return the levels of the styles that are headings, by their ids. Their names are English in every language."""
    levels: dict[str, int] = {}
    style = ""
    if _STYLES not in packed.namelist():
        return levels
    for event in events(packed, _STYLES):
        if event.what == "end":
            continue
        if event.name == "style":
            style = event.value("styleId")
        elif event.name == "name" and (level := _level_of(event.value("val"))):
            levels[style] = level
        elif event.name == "outlineLvl" and event.value("val").isdigit():
            levels.setdefault(style, int(event.value("val")) + 1)
    return levels


def _level_of(name: str) -> int:
    found = _HEADING.fullmatch(name.strip())
    return int(found[1]) if found else 1 if name.strip().lower() == "title" else 0


class _Body:
    """Goes along with the document, and says each paragraph and each row once it has ended."""

    def __init__(self, levels: dict[str, int]) -> None:
        self._levels = levels
        self._headings = Headings()
        self._said: list[str] = []
        self._cells: list[str] = []
        self._level = self._tables = self._skipped = self._number = 0
        self._is_item = False

    def blocks(self, told: Iterator[Event]) -> Iterator[Block]:
        """Yield what is told, in order."""
        for event in told:
            if event.name in _SKIPPED:
                self._skipped += 1 if event.what == "start" else -1
            elif self._skipped:
                continue
            elif event.what == "start":
                self._begin(event)
            else:
                yield from self._end(event)

    def _begin(self, event: Event) -> None:
        if event.name == "tbl":
            self._tables += 1
        elif event.name == "pStyle":
            style = event.value("val")
            self._level = self._levels.get(style, _level_of(style))
        elif event.name == "outlineLvl" and event.value("val") in set("01234567"):
            self._level = int(event.value("val")) + 1
        elif event.name == "numPr":
            self._is_item = True

    def _end(self, event: Event) -> Iterator[Block]:
        name = event.name
        if name == "t":
            self._said.append(event.element.text or "")
        elif name in _BLANKS:
            self._said.append(_BLANKS[name])
        elif name == "p":
            yield from self._paragraph()
        elif name == "tc":
            self._cells.append(" ".join("".join(self._said).split()))
            self._said = []
        elif name == "tr":
            yield from self._row()
        elif name == "tbl":
            self._tables -= 1

    def _paragraph(self) -> Iterator[Block]:
        level, is_item = self._level, self._is_item
        self._level, self._is_item = 0, False
        if self._tables:
            self._said.append(" ")
            return
        self._number += 1
        text, self._said = clean("".join(self._said)).strip(), []
        if level and (heading := title_from(text)):
            yield self._made(heading, "heading", self._headings.open(level, heading))
        elif text:
            for start in range(0, len(text), LONGEST_BLOCK):
                part = text[start : start + LONGEST_BLOCK]
                yield self._made(f"- {part}" if is_item and not start else part, "prose", self._headings.path)

    def _row(self) -> Iterator[Block]:
        text, self._cells = clean(" | ".join(self._cells)), []
        if text.strip(" |"):
            for start in range(0, len(text), LONGEST_BLOCK):
                yield self._made(text[start : start + LONGEST_BLOCK], "table", self._headings.path)

    def _made(self, text: str, kind: BlockKind, headings: tuple[str, ...]) -> Block:
        place = Place(path=f"paragraph {max(1, self._number)}", section=headings[-1] if headings else None)
        return Block(text, place, headings, kind)
