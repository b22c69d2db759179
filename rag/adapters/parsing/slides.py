# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Slides (PPTX): the text of each, under its title; a slide is a page."""

import io
import re
import zipfile
from collections.abc import Iterator

from rag.adapters.parsing.decoding import clean
from rag.adapters.parsing.packed_xml import events
from rag.adapters.parsing.plain_text import title_from
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, Parsed
from rag.engine.passages import Place

_SLIDE = re.compile(r"ppt/slides/slide(\d{1,5})\.xml")


def read(raw: Raw) -> Parsed:
    """Read the slides in their order. Raises Unreadable where there is no text on them."""
    packed = zipfile.ZipFile(io.BytesIO(raw.content))
    found = (_SLIDE.fullmatch(name) for name in packed.namelist())
    slides = sorted((int(slide[1]), slide[0]) for slide in found if slide)
    blocks = [block for number, member in slides for block in _slide(packed, member, number)]
    if not blocks:
        raise Unreadable("empty")
    title = blocks[0].headings[-1] if blocks[0].headings else raw.name
    return Parsed(title, raw.kind.media_type, "", blocks, pages=len(slides))


def _slide(packed: zipfile.ZipFile, member: str, number: int) -> Iterator[Block]:
    headings: tuple[str, ...] = ()
    for is_title, text in _paragraphs(packed, member):
        if is_title and not headings:
            headings = (title_from(text),)
            yield Block(headings[0], Place(page=number, section=headings[0]), headings, "heading")
        else:
            yield Block(text, Place(page=number, section=headings[0] if headings else None), headings, "prose")


def _paragraphs(packed: zipfile.ZipFile, member: str) -> Iterator[tuple[bool, str]]:
    is_title, said = False, list[str]()
    for event in events(packed, member):
        if event.what == "start":
            if event.name == "sp":
                is_title = False
            elif event.name == "ph":
                is_title = event.value("type") in {"title", "ctrTitle"}
        elif event.name == "t":
            said.append(event.element.text or "")
        elif event.name == "p":
            text, said = clean("".join(said)).strip(), []
            if text:
                yield is_title, text
