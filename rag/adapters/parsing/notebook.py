# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Notebooks: the text and the code of their cells; what came out of them is left."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rag.adapters.parsing.decoding import text_of
from rag.adapters.parsing.markdown_text import Headings, sections
from rag.adapters.parsing.plain_text import in_parts
from rag.adapters.parsing.raw import Raw, Unreadable
from rag.engine.parsed import Block, Parsed
from rag.engine.passages import Place


def read(raw: Raw) -> Parsed:
    """Read the cells. Raises Unreadable where it is no notebook."""
    try:
        cells = json.loads(text_of(raw))["cells"]
        texts = [(str(cell.get("cell_type")), _source(cell)) for cell in cells]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unreadable("broken") from None
    return Parsed(raw.name, raw.kind.media_type, "", _blocks(texts))


def _source(cell: Any) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(map(str, source))


def _blocks(cells: list[tuple[str, str]]) -> Iterator[Block]:
    headings = Headings()
    for number, (kind, text) in enumerate(cells, start=1):
        is_code = kind == "code"
        path: tuple[str, ...] = headings.path
        blocks = in_parts(text, line=1, headings=path, kind="code") if is_code else sections(text)
        for block in blocks:
            if block.kind == "heading":
                level = len(block.text) - len(block.text.lstrip("#")) or 1
                path = headings.open(level, block.headings[-1])
            section = path[-1] if path else None
            yield replace(
                block, headings=path, place=Place(lines=block.place.lines, path=f"cell {number}", section=section)
            )
