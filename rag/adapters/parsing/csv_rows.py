# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tables in text: each row as ``column: value``, read as it comes, however large."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from rag.adapters.parsing.decoding import clean, pieces_of
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, Parsed
from rag.engine.passages import Place

_LARGEST_FIELD = 1_000_000
_LONGEST_LINE = 4_000_000
_LOOKED_AT = 20
_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"[-+\d.,\s%\u20ac$:/]+")


def read(raw: Raw) -> Parsed:
    """Read the rows, with the names in the first where that is what stands there."""
    lines = _lines(pieces_of(raw))
    first = list(islice(lines, _LOOKED_AT))
    rows = _rows(chain(first, lines), delimiter=_delimiter(first))
    return Parsed(raw.name, raw.kind.media_type, "", _blocks(rows))


def _lines(pieces: Iterator[str]) -> Iterator[str]:
    held = ""
    for piece in pieces:
        held += piece
        # A return at the end may be the first half of a line's end.
        whole, _, held = held.rpartition("\n")
        if len(held) > _LONGEST_LINE:
            raise Unreadable("too_complex")
        if whole:
            yield from (f"{line}\n" for line in clean(whole).split("\n"))
    if held:
        yield from (f"{line}\n" for line in clean(held).removesuffix("\n").split("\n"))


def _delimiter(lines: Sequence[str]) -> str:
    """Return what parts the first lines into most columns, and into the same number most often."""

    def fits(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines if line.strip()]
        common = max(set(counts), key=counts.count) if counts else 0
        return (counts.count(common) if common else 0, common)

    return max(_DELIMITERS, key=fits)


def _rows(lines: Iterator[str], *, delimiter: str) -> Iterator[tuple[tuple[int, int], list[str]]]:
    csv.field_size_limit(_LARGEST_FIELD)
    reader, before = csv.reader(lines, delimiter=delimiter), 0
    try:
        for row in reader:
            place = (before + 1, reader.line_num)
            before = reader.line_num
            if any(cell.strip() for cell in row):
                yield place, row
    except csv.Error:
        raise Unreadable("too_complex") from None


def _blocks(rows: Iterator[tuple[tuple[int, int], list[str]]]) -> Iterator[Block]:
    names: Sequence[str] = ()
    for number, (lines, row) in enumerate(rows):
        if number == 0 and is_header(row):
            names = row
            continue
        if said := row_text(row, names):
            yield Block(said, Place(lines=lines), (), "record")


def is_header(row: Sequence[str]) -> bool:
    """Tell whether a first row names columns: texts, each its own, and no numbers."""
    named = [cell.strip() for cell in row if cell.strip()]
    if not named or len(named) * 2 < len(row) or len(set(named)) < len(named):
        return False
    return all(len(name) < 100 and not _NUMBER.fullmatch(name) for name in named)


def row_text(row: Sequence[str], names: Sequence[str]) -> str:
    """Return what a row says, with the names of its columns."""
    cells = ((names[at].strip() if at < len(names) else "", " ".join(cell.split())) for at, cell in enumerate(row))
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in cells if cell)
