# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""MemoryRead, MemoryWrite and MemorySearch: what agents keep between runs.

They touch nothing outside, so a policy lets them be called. What text of strangers led to is kept apart until a person
accepts it, and what a person left untrusted labels the step that reads it.
"""

from collections.abc import Mapping, Sequence

from agents.adapters.memory import MemoryPlace, Written
from agents.adapters.tools.room import ToolRoom
from agents.engine.errors import MemoryRefused
from agents.engine.expressions import text_of
from agents.engine.gate import Occasion
from agents.engine.memories import KEY_CHARACTERS, MOST_SECONDS, READ, SCOPES, SEARCH, WRITE
from agents.engine.tools import ToolSpec
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.prose import bm25, words

MOST_SHOWN = 50
LABEL = "memory"
"""Of what is read from entries that a person left untrusted."""
_SCOPE: JsonObject = {"enum": list(SCOPES), "description": "Who shares it: this conversation, this agent, its project."}
_SCOPES: JsonObject = {"type": "array", "items": {"enum": list(SCOPES)}, "maxItems": 3, "uniqueItems": True}
_ENTRY: JsonObject = {
    "type": "object",
    "properties": {
        "scope": {"enum": list(SCOPES)},
        "key": {"type": "string"},
        "value": {},
        "trusted": {"type": "boolean"},
        "version": {"type": "integer"},
        "updated_at": {"type": "string"},
    },
    "required": ["scope", "key", "value", "trusted"],
}
_FOUND: JsonObject = {
    "type": "object",
    "properties": {
        "entries": {"type": "array", "items": _ENTRY},
        "count": {"type": "integer"},
        "text": {"type": "string"},
    },
    "required": ["entries", "count", "text"],
}


def _labels_in(result: JsonValue) -> frozenset[str]:
    entries = result.get("entries") if isinstance(result, Mapping) else None
    found = entries if isinstance(entries, list | tuple) else ()
    is_doubted = any(isinstance(each, Mapping) and each.get("trusted") is not True for each in found)
    return frozenset({LABEL}) if is_doubted else frozenset()


READ_SPEC = ToolSpec(
    READ,
    "Read what was kept in memory: all of the scopes that are named, or some keys of them.",
    {
        "type": "object",
        "properties": {
            "scopes": _SCOPES,
            "keys": {"type": "array", "items": {"type": "string", "maxLength": KEY_CHARACTERS}, "maxItems": 50},
        },
        "additionalProperties": False,
    },
    result_schema=_FOUND,
    reads_only=True,
    gives_untrusted=False,
    labels_in=_labels_in,
)
SEARCH_SPEC = ToolSpec(
    SEARCH,
    "Search what was kept in memory by words, best first.",
    {
        "type": "object",
        "properties": {
            "query": {"type": "string", "maxLength": 1_000},
            "scopes": _SCOPES,
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_SHOWN},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
    result_schema=_FOUND,
    reads_only=True,
    gives_untrusted=False,
    labels_in=_labels_in,
)
WRITE_SPEC = ToolSpec(
    WRITE,
    "Keep something in memory under a key, for later runs. What is there under the key is replaced.",
    {
        "type": "object",
        "properties": {
            "scope": _SCOPE,
            "key": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS},
            "value": {"description": "What to keep: a text, a number, a list or an object."},
            "expires_seconds": {"type": "integer", "minimum": 1, "maximum": MOST_SECONDS},
        },
        "required": ["scope", "key", "value"],
        "additionalProperties": False,
    },
    result_schema={
        "type": "object",
        "properties": {
            "key": {"type": "string"},
            "scope": {"enum": list(SCOPES)},
            "version": {"type": "integer"},
            "quarantined": {"type": "boolean"},
            "text": {"type": "string"},
        },
        "required": ["key", "scope", "quarantined", "text"],
    },
    # The same write again changes nothing.
    repeats=lambda _arguments: True,
    gives_untrusted=False,
)


class _MemoryTool:
    """What the three have in common: the memory of the run they work for."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room

    async def _read(self, arguments: JsonObject) -> list[JsonObject]:
        scopes, keys = _texts(arguments.get("scopes")) or list(SCOPES), _texts(arguments.get("keys"))
        place, room = self._place(), self._room
        return await room.in_thread(place.read, scopes, keys=keys) if room.in_thread is not None else []

    def _place(self) -> MemoryPlace:
        room = self._room
        if room.standing is None or room.in_thread is None:
            raise MemoryRefused("There is no memory here: this run belongs to no project.")
        return MemoryPlace(
            room.standing.organization_id,
            room.standing.project_id,
            run_id=room.run_id,
            flow_id=room.flow_id,
            conversation=room.conversation,
            standing=room.standing,
        )


class MemoryRead(_MemoryTool):
    """Reads by scope and key."""

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return READ_SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return ``{"entries", "count", "text"}``."""
        return _told(await self._read(arguments))


class MemorySearch(_MemoryTool):
    """Ranks entries by the words of their keys and values."""

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return SEARCH_SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return the entries that fit best."""
        entries = await self._read(arguments)
        limit = arguments.get("limit")
        told = [words(f"{each['key']} {text_of(each['value'])}") for each in entries]
        scores = bm25(words(str(arguments.get("query", ""))), told)
        ranked = sorted(zip(scores, range(len(entries)), strict=True), key=lambda pair: (-pair[0], pair[1]))
        most = limit if isinstance(limit, int) else 10
        return _told([entries[at] for score, at in ranked[:most] if score > 0])


class MemoryWrite(_MemoryTool):
    """Keeps a value under a key; without the secrets of the run, and apart where text of strangers led to it."""

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return WRITE_SPEC

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return what was kept, and whether it waits for a person."""
        place, room = self._place(), self._room
        # Whatever handed a secret on to be kept: it is not.
        redactor = room.secrets.redactor if room.secrets is not None else None
        clean = arguments if redactor is None else redactor.redact_json(dict(arguments))
        given = clean if isinstance(clean, Mapping) else {}
        seconds = given.get("expires_seconds")
        written = Written(
            str(given.get("scope")),
            str(given.get("key")),
            given.get("value"),
            labels=sorted(on.labels),
            seconds=seconds if isinstance(seconds, int) else None,
        )
        if room.in_thread is None:
            raise MemoryRefused("There is no memory here: this run belongs to no project.")
        kept = await room.in_thread(place.write, written)
        waits = "It waits for a person to accept it." if kept["quarantined"] else "Later runs can read it."
        return {**kept, "text": f"Kept {kept['key']!r} in the memory of the {kept['scope']}. {waits}"}


def _told(entries: Sequence[JsonObject]) -> JsonObject:
    lines = [f"{each['scope']}.{each['key']}: {text_of(each['value'])}" for each in entries]
    return {"entries": list(entries), "count": len(entries), "text": "\n".join(lines)}


def _texts(value: JsonValue) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []
