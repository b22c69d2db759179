# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PDFs: the paragraphs of each page, with the lines they take on it."""

from collections.abc import Iterator
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError
from pypdfium2.raw import FPDF_ERR_PASSWORD

from rag.adapters.parsing.plain_text import paragraphs, title_from
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.pages import clean_pages
from rag.engine.parsed import Block, Parsed
from rag.engine.passages import Place

_SHORTEST_TITLE = 4
_NO_TITLES = ("untitled", "microsoft word", "powerpoint", "presentation", "slide 1", "document")


def read(raw: Raw) -> Parsed:
    """Read the pages. Raises Unreadable where they are encrypted, too many, damaged, or hold no text."""
    try:
        document = PdfDocument(bytes(raw.content))
    except PdfiumError as error:
        raise Unreadable("encrypted" if error.err_code == FPDF_ERR_PASSWORD else "broken") from None
    count = len(document)
    if count > raw.most_pages:
        raise Unreadable("too_many_pages")
    return Parsed(_title(document) or raw.name, raw.kind.media_type, "", _blocks(document, count), pages=count)


def _title(document: Any) -> str:
    stated = title_from(clean_pages(document.get_metadata_value("Title") or ""))
    is_one = len(stated) >= _SHORTEST_TITLE and not stated.lower().startswith(_NO_TITLES)
    return stated if is_one else ""


def _blocks(document: Any, count: int) -> Iterator[Block]:
    is_blank = True
    for number in range(count):
        for block in paragraphs(_page(document, number)):
            is_blank = False
            yield Block(block.text, Place(page=number + 1, lines=block.place.lines), (), "prose")
    if is_blank:
        raise Unreadable("scanned")


def _page(document: Any, number: int) -> str:
    try:
        page = document[number]
        read = page.get_textpage()
        text: str = read.get_text_bounded()
        read.close()
        page.close()
    except PdfiumError:
        # One damaged page is left out; a document of nothing else is blank.
        return ""
    return clean_pages(text.replace("\f", "\n"))
