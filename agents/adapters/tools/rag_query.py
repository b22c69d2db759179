# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""RagQuery: finds passages in what a project keeps; asked and answered as POST /rag/query is."""

import asyncio
import fnmatch
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from agents.adapters.tools.room import ToolRoom
from agents.adapters.tools.web_search import QUERY_CHARACTERS, Passage, as_text, ranked
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.errors import ToolCallRefused
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.contents import read_text
from rag.queries.files import find_current, list_files

DEFAULT_PASSAGES = 5
MOST_FILES = 200
MOST_BYTES = 4_000_000
_NULLABLE: JsonObject = {"type": ["string", "null"]}

SPEC = ToolSpec(
    name="RagQuery",
    description="Search what the project keeps, its files, and return the passages that fit best, each with its place.",
    schema={
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "What to look for, in plain words."},
            "top_k": {"type": "integer", "minimum": 1, "maximum": 50},
            "filters": {
                "type": "object",
                "properties": {
                    "source_type": {"type": "string", "description": "file"},
                    "path": {"type": "string", "maxLength": 500, "description": "Such as docs/* or notes.md."},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "commit": {"type": "string"},
                },
                "additionalProperties": False,
            },
            "rerank": {"type": "boolean"},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "chunk_id": {"type": "string"},
                        "document_id": {"type": "string"},
                        "title": {"type": "string"},
                        "text": {"type": "string"},
                        "score": {"type": "number"},
                        "source_type": {"type": "string"},
                        "citation": {
                            "type": "object",
                            "properties": {
                                "path": {"type": "string"},
                                "page": {"type": ["integer", "null"]},
                                "lines": _NULLABLE,
                                "commit": _NULLABLE,
                                "sha256": {"type": "string"},
                            },
                        },
                    },
                },
            },
            "text": {"type": "string", "description": "All passages as one text."},
            "took_ms": {"type": "number"},
        },
        "required": ["results", "text", "took_ms"],
        "additionalProperties": False,
    },
    capabilities=("read",),
    reads_only=True,
    timeout_seconds=60,
)


class _Kept(NamedTuple):
    document: ContextDocument
    file_id: str
    sha256: str


class RagQuery:
    """Searches the files of the run's project, as its person sees them."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return passages, best first. Raises ToolCallRefused, NotAllowed and what reading files raises."""
        if self._room.standing is None or self._room.in_thread is None:
            raise ToolCallRefused("There is no project to search here: RagQuery works in runs.")
        began = time.perf_counter()
        filters = arguments.get("filters")
        kept = await self._room.in_thread(self._read, filters if isinstance(filters, Mapping) else {})
        wanted = arguments.get("top_k")
        limit = wanted if isinstance(wanted, int) else DEFAULT_PASSAGES
        query = str(arguments.get("query", ""))[:QUERY_CHARACTERS]
        # In a thread: ranking megabytes would hold up every other run of this process.
        found = await asyncio.to_thread(ranked, [each.document for each in kept], query, limit=limit)
        by_name = {each.document.name: each for each in kept}
        results = [_said(passage, score, by_name[passage.name]) for score, passage in found]
        return {
            "results": results,
            "text": as_text(found) or "Nothing that the project keeps fits the search.",
            "took_ms": round((time.perf_counter() - began) * 1000, 1),
        }

    def _read(self, filters: JsonObject) -> Sequence[_Kept]:
        standing = self._room.standing
        actor = standing.load_actor() if standing else None
        if standing is None or actor is None:
            raise NotAllowed("Whoever this is done for is no longer a member of this organization.")
        if filters.get("source_type", "file") != "file" or filters.get("tags") or filters.get("commit"):
            # Files have neither; what does is not kept here yet.
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
    lines = f"{passage.first_line}-{passage.last_line}"
    return {
        "chunk_id": sha256(f"{kept.sha256}:{lines}".encode()).hexdigest()[:32],
        "document_id": kept.file_id,
        "title": passage.heading or passage.name,
        "text": passage.text,
        "score": score,
        "source_type": "file",
        "citation": {
            "path": passage.name,
            "page": passage.page,
            "lines": lines,
            "commit": None,
            "sha256": kept.sha256,
        },
    }
