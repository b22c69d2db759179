# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""RagQuery: finds passages in what a project knows; asked and answered as POST /rag/query is."""

import time
from collections.abc import Mapping, Sequence

from agents.adapters.tools.file_passages import search_files
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.nodes.rag import LONGEST_QUESTION, MOST_PASSAGES
from agents.engine.tools import ToolSpec
from agents.errors import ToolCallRefused
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue
from rag.operations.retrieval import Asked, Retrieved, filters_of, retrieve

DEFAULT_PASSAGES = 5
_WORDS: JsonObject = {"type": "array", "items": {"type": "string"}, "maxItems": 20}
_WORD_OR_WORDS: JsonObject = {"type": ["string", "array"], "items": {"type": "string"}, "maxItems": 20}
_NULLABLE_WORD: JsonObject = {"type": ["string", "null"]}

SPEC = ToolSpec(
    name="RagQuery",
    description="Search what the project knows, its knowledge bases or else its files, and return the passages that "
    "fit best, each with its place.",
    schema={
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_QUESTION,
                "description": "What to look for, in plain words.",
            },
            "knowledge": {
                **_WORD_OR_WORDS,
                "description": "Slugs of knowledge bases; all of the project's without it.",
            },
            "top_k": {"type": "integer", "minimum": 1, "maximum": MOST_PASSAGES},
            "filters": {
                "type": "object",
                "properties": {
                    "source_type": {"type": "string", "description": "Such as upload, files, git, github or web."},
                    "path": {"type": "string", "maxLength": 500, "description": "Such as docs/** or notes.md."},
                    "tags": _WORDS,
                    "language": {"type": "string"},
                    "commit": {"type": "string", "description": "What stood there then."},
                },
                "additionalProperties": False,
            },
            "rerank": {"type": "boolean"},
            "mode": {"enum": ["hybrid", "exact", "semantic"]},
            "neighbors": {"type": "integer", "minimum": 0, "maximum": 5},
            "temporal": {"type": "boolean"},
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
                        "context": {"type": "string"},
                        "score": {"type": "number"},
                        "source_type": {"type": "string"},
                        "citation": {
                            "type": "object",
                            "properties": {
                                "path": {"type": "string"},
                                "page": {"type": ["integer", "null"]},
                                "lines": {"type": ["array", "null"], "items": {"type": "integer"}},
                                "commit": _NULLABLE_WORD,
                                "sha256": _NULLABLE_WORD,
                            },
                        },
                    },
                },
            },
            "text": {"type": "string", "description": "All passages as one text."},
            "notes": {"type": "array", "items": {"type": "string"}},
            "took_ms": {"type": "number"},
        },
        "required": ["results", "text", "took_ms"],
        "additionalProperties": False,
    },
    capabilities=("read",),
    reads_only=True,
    timeout_seconds=60,
)


class RagQuery:
    """Searches what the project of a run knows, as its person sees it."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return passages, best first. Raises ToolCallRefused, NotAllowed and what retrieval raises."""
        if self._room.standing is None or self._room.in_thread is None:
            raise ToolCallRefused("There is no project to search here: RagQuery works in runs.")
        began = time.perf_counter()
        retrieved = await self._room.in_thread(self._retrieve, arguments)
        if retrieved.bases:
            results, text = _said(retrieved), _as_text(retrieved)
        else:
            filters, wanted = arguments.get("filters"), arguments.get("top_k")
            limit = wanted if isinstance(wanted, int) else DEFAULT_PASSAGES
            given = filters if isinstance(filters, Mapping) else {}
            results, text = await search_files(self._room, str(arguments["query"]), filters=given, limit=limit)
        notes: list[JsonValue] = [*retrieved.found.notes] if retrieved.bases else []
        return {
            "results": results,
            "text": text or "Nothing that the project keeps fits the search.",
            "took_ms": round((time.perf_counter() - began) * 1000, 1),
            **({"notes": notes} if notes else {}),
        }

    def _retrieve(self, arguments: JsonObject) -> Retrieved:
        standing = self._room.standing
        actor = standing.load_actor() if standing else None
        if standing is None or actor is None:
            raise NotAllowed("Whoever this is done for is no longer a member of this organization.")
        return retrieve(
            actor,
            asked_in(arguments),
            project=standing.project_id,
            knowledge=_words(arguments.get("knowledge")),
            run_id=self._room.run_id,
        )


def asked_in(arguments: JsonObject) -> Asked:
    """Read a question from what the tool is called with; its schema was checked. Raises QuestionInvalid."""
    said = arguments.get("filters")
    filters = said if isinstance(said, Mapping) else {}
    names = {
        name: arguments[name] for name in ("top_k", "mode", "rerank", "neighbors", "temporal") if name in arguments
    }
    given = {name: str(filters[name]) for name in ("path", "commit") if filters.get(name)}
    words = {name: _words(filters.get(name)) for name in ("source_type", "tags", "language")}
    return Asked(text=str(arguments["query"]), filters=filters_of(**words, **given), **names)  # type: ignore[arg-type]


def _words(value: JsonValue) -> Sequence[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _said(retrieved: Retrieved) -> list[JsonValue]:
    said: list[JsonValue] = []
    for passage in retrieved.found.passages:
        told: JsonObject = {
            "chunk_id": str(passage.chunk_id),
            "document_id": str(passage.document_id),
            "title": passage.title,
            "text": passage.text,
            "context": passage.context,
            "score": passage.score,
            "source_type": passage.source_type,
            "citation": passage.citation.as_json(),
        }
        said.append(told)
    return said


def _as_text(retrieved: Retrieved) -> str:
    said = []
    for number, passage in enumerate(retrieved.found.passages, start=1):
        cited, place = passage.citation, [passage.citation.path or passage.title]
        place += [f"page {cited.page}"] if cited.page else []
        place += [f"lines {cited.lines[0]}-{cited.lines[1]}"] if cited.lines else []
        said.append(f"[{number}] {', '.join(place)}\n{passage.full_text}")
    return "\n\n".join(said)
