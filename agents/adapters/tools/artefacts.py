# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What code left behind, as a call's result tells of it: the bytes are kept beside the journal, held by the run."""

import asyncio
import base64
import mimetypes
from collections.abc import Sequence

from agents.adapters.sandbox import Artefact
from agents.adapters.tools.room import ToolRoom
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.keeping import keep_bytes

MEBIBYTE = 1024 * 1024
UNKEPT_FILE_BYTES = 1 * MEBIBYTE
UNKEPT_BYTES = 2 * MEBIBYTE
"""What stands in the result itself where nothing is kept: as in a trial, whose result may be 4 MB."""
LONGEST_TEXT = 20_000
LONGEST_TEXTS = 100_000
"""How much of files that are text stands in the result as well, so that models and flows can read it."""

FILE_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "integer"},
        "sha256": {"type": "string"},
        "media_type": {"type": "string"},
        "text": {"type": ["string", "null"], "description": "What it says, where it is a short text."},
        "is_kept": {"type": "boolean", "description": "Whether it can be had from the run, by its step and name."},
        "content": {
            "type": ["string", "null"],
            "description": "In base64, where nothing is kept beside the result: as in a trial.",
        },
    },
    "required": ["name", "size", "sha256", "media_type", "text", "is_kept", "content"],
    "additionalProperties": False,
}


async def told_files(artefacts: Sequence[Artefact], room: ToolRoom) -> tuple[list[JsonValue], list[str]]:
    """Keep what was left where the room has a place for it; return it as a result tells of it, and what was not."""
    files: list[JsonValue] = []
    left_out: list[str] = []
    texts, unkept = LONGEST_TEXTS, UNKEPT_BYTES
    for each in artefacts:
        content = await _without_secrets(each.content, room)
        text = _text_of(content, most=min(texts, LONGEST_TEXT))
        texts -= len(text or "")
        told: dict[str, JsonValue] = {
            "name": each.name,
            "size": each.size,
            "sha256": each.sha256,
            "media_type": mimetypes.guess_type(each.name)[0] or "application/octet-stream",
            "text": text,
            "is_kept": False,
            "content": None,
        }
        if _has_place(room):
            told |= await _kept(content, room, each, left_out=left_out)
        elif each.size <= min(unkept, UNKEPT_FILE_BYTES):
            unkept -= each.size
            told["content"] = base64.b64encode(content).decode("ascii")
        else:
            left_out.append(f"{each.name}: its content is too large to keep with the result")
        files.append(told)
    return files, left_out


def _has_place(room: ToolRoom) -> bool:
    return room.standing is not None and room.run_id is not None and room.in_thread is not None


async def _kept(content: bytes, room: ToolRoom, artefact: Artefact, *, left_out: list[str]) -> dict[str, JsonValue]:
    if room.standing is None or room.run_id is None or room.in_thread is None:
        return {}
    # A file that held a secret is another without it.
    organization_id, run_id = room.standing.organization_id, room.run_id
    try:
        kept = await room.in_thread(
            keep_bytes, organization_id, holder=run_id, chunks=[content], limit_bytes=len(content) + 1
        )
    except CodexosError as error:
        # What the code did is done: that a file of it has no place is no reason to say it failed.
        left_out.append(f"{artefact.name}: {error.message}")
        return {}
    return {"sha256": kept.sha256, "size": kept.size, "is_kept": True}


async def _without_secrets(content: bytes, room: ToolRoom) -> bytes:
    redactor = room.secrets.redactor if room.secrets is not None else None
    return content if redactor is None else await asyncio.to_thread(redactor.redact_bytes, content)


def _text_of(content: bytes, *, most: int) -> str | None:
    """Return a file's text where it is one and not longer than is told; a zero byte is in no text."""
    if len(content) > most or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
