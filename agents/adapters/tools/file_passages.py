# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Passages in a project's own files, by their words: what RagQuery finds where a project has no knowledge base."""

import asyncio
import fnmatch
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from agents.adapters.tools.room import ToolRoom
from agents.adapters.tools.web_search import QUERY_CHARACTERS, Passage, as_text, ranked
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.contents import read_text
from rag.queries.files import find_current, list_files

MOST_FILES = 200
MOST_BYTES = 4_000_000


class _Kept(NamedTuple):
    document: ContextDocument
    file_id: str
    sha256: str


async def search_files(room: ToolRoom, query: str, *, filters: JsonObject, limit: int) -> tuple[list[JsonValue], str]:
    """Return passages, best first, and all of them as one text. Raises NotAllowed and what reading files raises."""
    if room.in_thread is None:
        return [], ""
    kept = await room.in_thread(_read, room, filters)
    # In a thread: ranking megabytes would hold up every other run of this process.
    documents = [each.document for each in kept]
    found = await asyncio.to_thread(ranked, documents, query[:QUERY_CHARACTERS], limit=limit)
    by_name = {each.document.name: each for each in kept}
    return [_said(passage, score, by_name[passage.name]) for score, passage in found], as_text(found)


def _read(room: ToolRoom, filters: JsonObject) -> Sequence[_Kept]:
    standing = room.standing
    actor = standing.load_actor() if standing else None
    if standing is None or actor is None:
        raise NotAllowed("Whoever this is done for is no longer a member of this organization.")
    if filters.get("source_type", "file") != "file" or any(
        filters.get(name) for name in ("tags", "commit", "language")
    ):
        # Files have none of these.
        return ()
    pattern, size, ids = str(filters.get("path") or "*"), 0, dict[str, str]()
    files = list_files(actor, standing.project_id, limit=MOST_FILES).rows
    paths = [file.path for file in files if fnmatch.fnmatchcase(file.path, pattern)]
    for version in find_current(actor, standing.project_id, paths):
        if version.is_text and size + version.size <= MOST_BYTES:
            size += version.size
            ids[version.file.path] = str(version.file_id)
    texts = read_text(actor, standing.project_id, list(ids))
    return [_Kept(ContextDocument(path, text), ids[path], digest) for path, text, digest in texts]


def _said(passage: Passage, score: float, kept: _Kept) -> JsonObject:
    lines: list[JsonValue] = [passage.first_line, passage.last_line]
    citation: JsonObject = {
        "path": passage.name,
        "page": passage.page,
        "lines": lines,
        "commit": None,
        "sha256": kept.sha256,
    }
    return {
        "chunk_id": sha256(f"{kept.sha256}:{passage.first_line}".encode()).hexdigest()[:32],
        "document_id": kept.file_id,
        "title": passage.heading or passage.name,
        "text": passage.text,
        "context": "",
        "score": score,
        "source_type": "file",
        "citation": citation,
    }
