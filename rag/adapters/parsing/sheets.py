# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Workbooks (XLSX): each row of each sheet as ``column: value``, with what formulas came to."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from rag.adapters.parsing.csv_rows import is_header, row_text
from rag.adapters.parsing.decoding import clean
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, Parsed
from rag.engine.passages import Place

_BROKEN = (
    ParseError,
    InvalidFileException,
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
)


def read(raw: Raw) -> Parsed:
    """Read the rows. Raises Unreadable where there are none."""
    try:
        book = load_workbook(io.BytesIO(raw.content), read_only=True, data_only=True, keep_links=False)
    except _BROKEN:
        raise Unreadable("broken") from None
    except DefusedXmlException:
        raise Unreadable("bomb") from None
    return Parsed(raw.name, raw.kind.media_type, "", _blocks(book))


def _blocks(book: Any) -> Iterator[Block]:
    is_empty = True
    for sheet in book.worksheets:
        try:
            for block in _rows(sheet):
                is_empty = False
                yield block
        except _BROKEN:
            raise Unreadable("broken") from None
        except DefusedXmlException:
            raise Unreadable("bomb") from None
    if is_empty:
        raise Unreadable("empty")


def _rows(sheet: Any) -> Iterator[Block]:
    # What a sheet states of its size is often wrong, and would be filled up with empty cells.
    sheet.reset_dimensions()
    name, names = clean(sheet.title), list[str]()
    is_first = True
    for number, row in enumerate(_texts(sheet.iter_rows(values_only=True)), start=1):
        if not any(row):
            continue
        if is_first and is_header(row):
            names = row
        elif said := row_text(row, names):
            yield Block(said, Place(path=f"{name}!{number}", section=name), (name,), "record")
        is_first = False


def _texts(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_text(value) for value in row]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return clean(str(value))
