# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What may be kept in memory, and what a node declares of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.engine.errors import MemoryRefused
from codexos.kernel.jsontypes import JsonObject, JsonValue

SCOPES = ("conversation", "agent", "project")
KEY_CHARACTERS = 200
MOST_VALUE_BYTES = 16_384
MOST_ENTRIES = 500
"""How many entries one conversation, one agent or one project may have of its own."""
MOST_QUARANTINED = 100
"""How many of them may wait for a person."""
MOST_SECONDS = 366 * 86_400
READ, WRITE, SEARCH = "MemoryRead", "MemoryWrite", "MemorySearch"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a node says of memory: what is read before it begins, and which scopes its model may read and write."""

    read: Sequence[JsonObject] = ()
    write: Sequence[str] = ()

    @property
    def whole(self) -> Sequence[str]:
        """The scopes that may be read with all of their keys."""
        return [scope for scope in SCOPES if {"scope": scope} in self.read]

    @property
    def scopes(self) -> Sequence[str]:
        """The scopes that may be read."""
        return [scope for scope in SCOPES if any(each["scope"] == scope for each in self.read)]


def declared_by(settings: Mapping[str, JsonValue]) -> Declared:
    """Read the setting ``memory`` of a node that was checked."""
    said = settings.get("memory")
    if not isinstance(said, Mapping):
        return Declared()
    read, write = said.get("read"), said.get("write")
    wanted = [_wanted(str(each)) for each in read] if isinstance(read, list | tuple) else []
    return Declared(wanted, [str(each) for each in write] if isinstance(write, list | tuple) else [])


def _wanted(said: str) -> JsonObject:
    scope, dot, key = said.partition(".")
    return {"scope": scope, "key": key} if dot else {"scope": scope}


def trouble_of(value: JsonValue) -> str | None:
    """Say what is wrong with the setting ``memory``, or None."""
    wrong = 'must be an object such as {"read": ["agent", "project.tone"], "write": ["agent"]}'
    if not isinstance(value, Mapping) or not value or value.keys() - {"read", "write"}:
        return wrong
    for name, listed in value.items():
        if not isinstance(listed, list | tuple) or len(listed) > 50:
            return wrong
        for each in listed:
            scope, _, key = str(each).partition(".") if name == "read" else (str(each), "", "")
            if scope not in SCOPES or len(key) > KEY_CHARACTERS:
                return f"{wrong}; {str(each)[:100]!r} names none of {', '.join(SCOPES)}"
    return None


SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "read": {
            "type": "array",
            "items": {"type": "string", "pattern": "^(conversation|agent|project)"},
            "maxItems": 50,
        },
        "write": {"type": "array", "items": {"enum": list(SCOPES)}, "maxItems": 50},
    },
    "additionalProperties": False,
}


def kept_value(value: JsonValue) -> tuple[JsonValue, int]:
    """Return a value as it is kept, with its size in bytes. Raises MemoryRefused where it is too large."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=dict)
    # What PostgreSQL keeps in no JSON.
    clean = written.replace("\\u0000", "").encode("utf-8", "replace")
    if len(clean) > MOST_VALUE_BYTES:
        raise MemoryRefused(
            f"The value has {len(clean):,} bytes; at most {MOST_VALUE_BYTES:,} are kept under a key. Keep less, or "
            "write a file and keep its path."
        )
    return json.loads(clean), len(clean)


def kept_key(key: str) -> str:
    """Return a key as it is kept. Raises MemoryRefused."""
    clean = " ".join(key.replace("\x00", "").split())
    if not 0 < len(clean) <= KEY_CHARACTERS:
        raise MemoryRefused(f"A key has 1 to {KEY_CHARACTERS} characters. Choose a short name, such as 'tone'.")
    return clean
