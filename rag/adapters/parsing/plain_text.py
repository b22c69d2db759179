# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Plain text: its paragraphs, each with its lines."""

import re
from collections.abc import Iterator

from rag.adapters.parsing.decoding import text_of
from rag.adapters.parsing.raw import Raw
from rag.engine.parsed import Block, BlockKind, Parsed
from rag.engine.passages import Place

LONGEST_BLOCK = 32_000
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_LONGEST_TITLE = 200


def read(raw: Raw) -> Parsed:
    """Read the paragraphs; the title is the file's name."""
    text = text_of(raw)
    return Parsed(raw.name, raw.kind.media_type, "", paragraphs(text))


def paragraphs(text: str, *, line: int = 1, headings: tuple[str, ...] = ()) -> Iterator[Block]:
    """Yield what blank lines part; ``line`` is the number of the first one."""
    at = 0
    for start, end in _spans(text):
        line += text.count("\n", at, start)
        at = start
        yield from in_parts(text[start:end], line=line, headings=headings)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for parted in _PARAGRAPH_END.finditer(text):
        if text[start : parted.start()].strip():
            yield start, parted.start()
        start = parted.end()
    if text[start:].strip():
        yield start, len(text)


def in_parts(text: str, *, line: int, headings: tuple[str, ...], kind: BlockKind = "prose") -> Iterator[Block]:
    """Yield the text as blocks that are not too long, parted at lines where there are any."""
    section, start = headings[-1] if headings else None, 0
    while start < len(text):
        end = _end_of_part(text, start)
        kept = text[start:end].rstrip()
        if kept.strip():
            lines = (line, line + kept.count("\n"))
            yield Block(kept, Place(lines=lines, section=section), headings, kind)
        line += text.count("\n", start, end)
        start = end


def _end_of_part(text: str, start: int) -> int:
    if len(text) - start <= LONGEST_BLOCK:
        return len(text)
    for mark in ("\n", " "):
        at = text.rfind(mark, start + LONGEST_BLOCK // 2, start + LONGEST_BLOCK)
        if at > 0:
            return at + 1
    return start + LONGEST_BLOCK


def title_from(text: str) -> str:
    """Return a title as it is shown: one line, not too long."""
    return " ".join(text.split())[:_LONGEST_TITLE]
