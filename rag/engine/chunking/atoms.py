# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The least that pieces are made of: sentences, lines and records, each with its place and the seam before it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from rag.engine.chunking.measures import cost_of, count_words
from rag.engine.parsed import Block


class Seam(IntEnum):
    """How well text may be parted before an atom: INNER is where what is said of a whole leads over to a part of it."""

    WORD, LINE, SENTENCE, BLOCK, INNER, GROUP, BREAK = range(7)


@dataclass(slots=True)
class Atom:
    """Text that is parted only where it must be; ``gap`` is what stands between it and the atom before."""

    text: str
    gap: str
    seam: Seam
    block: Block
    lines: tuple[int, int] | None
    words: int
    cost: int
    is_first: bool = False

    @property
    def shows_heading(self) -> bool:
        """Tell whether its own text says the last of its headings."""
        if not self.is_first or not self.block.headings:
            return False
        return self.block.kind == "heading" or (self.block.kind == "code" and _says(self.block))


_HEAD, _HEADING_HEAD = 1_000, 60


def _says(block: Block) -> bool:
    """Tell whether code begins with the signature it is under."""
    return block.headings[-1][:_HEADING_HEAD] in " ".join(block.text[:_HEAD].split())


_SENTENCE_END = re.compile("[.!?\u2026][\"')\\]\u00bb\u201d]*[ \\t]+|[\u3002\uff01\uff1f]|\\s*\\n\\s*")
_LINE_END = re.compile(r"\n")
_WORD_END = re.compile(r"\s+")
_MOST_BLANK_LINES = 1
_ITEM = "- "


def atoms_of(block: Block, *, gap: str, seam: Seam, most_cost: int, foreign: bool = False) -> Iterator[Atom]:
    """Yield the atoms of one block, none of which costs more than ``most_cost``. ``foreign`` is for measuring it."""
    line, first_line = 0, block.place.lines[0] if block.place.lines else None
    is_first = True
    for start, end, before, kind in _spans(block, most_cost=most_cost, foreign=foreign):
        text = block.text[start:end]
        line += block.text.count("\n", before, start)
        lines = None if first_line is None else (first_line + line, first_line + line + text.count("\n"))
        line += text.count("\n")
        yield Atom(
            text=text,
            gap=gap if is_first else block.text[before:start],
            seam=seam if is_first else kind,
            block=block,
            lines=_within(lines, block),
            words=count_words(text),
            cost=cost_of(text, is_foreign=foreign),
            is_first=is_first,
        )
        is_first = False


def _within(lines: tuple[int, int] | None, block: Block) -> tuple[int, int] | None:
    # A record is one line of text made of what may have stood in several.
    return block.place.lines if block.kind in {"record", "heading"} else lines


Span = tuple[int, int, int, Seam]


def _spans(block: Block, *, most_cost: int, foreign: bool) -> Iterator[Span]:
    text, before = block.text, 0
    for start, end, seam in _runs(block):
        for left, right in _fitting(text, start, end, most_cost=most_cost, foreign=foreign):
            yield left, right, before, seam
            before, seam = right, Seam.WORD


def _runs(block: Block) -> Iterator[tuple[int, int, Seam]]:
    """Part at the ends of lines, and in prose of sentences. Blanks between the runs belong to none."""
    if block.kind in {"record", "heading"}:
        yield 0, len(block.text), Seam.BLOCK
        return
    text, start, seam = block.text, 0, Seam.BLOCK
    for end in (_LINE_END if block.kind in {"code", "table"} else _SENTENCE_END).finditer(text):
        stop = end.start() + len(end.group().rstrip())
        if text[start:stop].strip():
            yield start, stop, seam
            seam = _seam_after(block, end.group())
        elif block.kind == "code":
            seam = Seam.BLOCK
        start = end.end()
    if text[start:].strip():
        yield start, len(text.rstrip()), seam


def _seam_after(block: Block, end: str) -> Seam:
    if end.count("\n") > 1:
        return Seam.BLOCK
    return Seam.LINE if block.kind == "code" or "\n" in end else Seam.SENTENCE


def _fitting(text: str, start: int, end: int, *, most_cost: int, foreign: bool) -> Iterable[tuple[int, int]]:
    # No sign costs more than eleven tenths.
    if (end - start) * 11 <= most_cost or cost_of(text[start:end], is_foreign=foreign) <= most_cost:
        return [(start, end)]
    return _words_fitting(text, start, end, most_cost=most_cost, foreign=foreign)


def _words_fitting(text: str, start: int, end: int, *, most_cost: int, foreign: bool) -> Iterator[tuple[int, int]]:
    left, right, cost = start, start, 0
    for first, last in _short_words(text, start, end, longest=most_cost // 10):
        word = cost_of(text[first:last], is_foreign=foreign)
        if cost and cost + word > most_cost:
            yield left, right
            left, cost = first, 0
        right, cost = last, cost + word
    if cost:
        yield left, right


def _short_words(text: str, start: int, end: int, *, longest: int) -> Iterator[tuple[int, int]]:
    """Yield where words are; one without a blank for very long, as code that a program wrote, is parted by length."""
    while start < end:
        blank = _WORD_END.search(text, start, min(end, start + longest))
        if blank is None:
            stop = min(end, start + longest)
            yield start, stop
            start = stop
        else:
            if blank.start() > start:
                yield start, blank.start()
            start = blank.end()


def gap_between(before: Block | None, block: Block) -> str:
    """Return what parts two blocks in a text: the lines between them where those are known."""
    if before is None:
        return ""
    one, other = before.place, block.place
    if one.lines and other.lines and one.page == other.page and block.kind != "record":
        blank = other.lines[0] - one.lines[1] - 1
        return "\n" * (1 + max(0, min(blank, _MOST_BLANK_LINES)))
    are_rows = block.kind in {"record", "table"} or (_ITEM in block.text[:2] and _ITEM in before.text[:2])
    return "\n" if are_rows and before.kind == block.kind else "\n\n"
