# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a parsed document travels from the process that reads it: a head, blocks, an end, each a line of JSON.

What comes in was made from strangers' bytes by native code, so it is believed to be nothing but text and numbers.
"""

import json
from typing import Any, cast, get_args

from rag.engine.parsed import Block, BlockKind, Parsed
from rag.engine.passages import Place

HEAD, BLOCK, END = "head", "block", "end"
_KINDS = frozenset(get_args(BlockKind))


class Garbled(Exception):
    """What came is not what a reader sends."""


def head_line(parsed: Parsed) -> bytes:
    """Return the first line: what is known before any block is read."""
    return _line(HEAD, parsed.title, parsed.media_type, parsed.language, parsed.pages)


def block_line(block: Block) -> bytes:
    """Return the line of one block."""
    place = block.place
    lines = list(place.lines) if place.lines else None
    return _line(BLOCK, block.text, block.kind, list(block.headings), place.page, lines, place.path, place.section)


def end_line(reason: str = "", detail: str = "") -> bytes:
    """Return the last line: why the document could not be read, "" where it was; ``detail`` is for the log."""
    return _line(END, reason, detail)


def _line(*parts: Any) -> bytes:
    return json.dumps(parts, separators=(",", ":")).encode() + b"\n"


def read_line(line: bytes) -> list[Any]:
    """Return the parts of a line, the first of which says what it is. Raises Garbled."""
    try:
        parts = json.loads(line)
    except (ValueError, RecursionError):
        raise Garbled from None
    if not isinstance(parts, list) or not parts or parts[0] not in {HEAD, BLOCK, END}:
        raise Garbled
    return parts


def parsed_from(parts: list[Any], blocks: Any) -> Parsed:
    """Return the document that a head tells of. Raises Garbled."""
    if parts[0] != HEAD or len(parts) != 5:
        raise Garbled
    _, title, media_type, language, pages = parts
    return Parsed(_text(title), _text(media_type), _text(language), blocks, pages=_number(pages))


def block_from(parts: list[Any]) -> Block:
    """Return the block that a line tells of. Raises Garbled."""
    if parts[0] != BLOCK or len(parts) != 8:
        raise Garbled
    _, text, kind, headings, page, lines, path, section = parts
    if kind not in _KINDS or not isinstance(headings, list):
        raise Garbled
    place = Place(_number(page), _pair(lines), _name(path), _name(section))
    return Block(_text(text), place, tuple(map(_text, headings)), cast(BlockKind, kind))


def reason_from(parts: list[Any]) -> tuple[str, str]:
    """Return the reason that an end gives, and the detail. Raises Garbled."""
    if parts[0] != END or len(parts) != 3:
        raise Garbled
    return _text(parts[1]), _text(parts[2])[:300]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Garbled
    # Neither can be kept by the database; a reader sends none.
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def _name(value: Any) -> str | None:
    return None if value is None else _text(value)


def _number(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 0 <= value < 2**31):
        raise Garbled
    return value


def _pair(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise Garbled
    first, last = map(_number, value)
    if first is None or last is None:
        raise Garbled
    return first, last
