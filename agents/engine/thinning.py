# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Large values of an entry stand beside the journal, named by the hash of their content; the entry keeps their places.

How it is written leaves no doubt: an entry's data is an object, with values left out it is a list of that object and
the places. So nothing that a step returns can be taken for a reference.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codexos.kernel.jsontypes import JsonObject, JsonValue

LARGE_BYTES = 32 * 1024
"""Above this a value is large: results of 20 KB are read more often than they are shared."""
MOST_LEVELS = 4
"""How deep a large part is looked for inside of a large value."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode

Path = Sequence[str | int]


class Hole(NamedTuple):
    """Where a value was left out, and the SHA-256 of its JSON in hexadecimal."""

    path: Path
    sha256: str


class Thin(dict[str, JsonValue]):
    """An entry's data without its large values; null stands in their places."""

    def __init__(self, data: JsonObject, holes: Sequence[Hole]) -> None:
        super().__init__(data)
        self.holes = holes


def thin(data: JsonObject) -> tuple[JsonObject, Mapping[str, bytes]]:
    """Return data without its large values, and these by their hashes; small data is given back as it is."""
    if len(written(data)) <= LARGE_BYTES:
        return data, {}
    holes: list[Hole] = []
    large: dict[str, bytes] = {}
    left = {name: _thinned(value, (name,), holes=holes, large=large) for name, value in data.items()}
    return (Thin(left, holes), large) if holes else (data, {})


def filled(data: Thin, blobs: Mapping[str, bytes]) -> JsonObject:
    """Return the whole data. Raises KeyError where a value is missing."""
    whole: JsonValue = dict(data)
    for hole in data.holes:
        place: JsonValue = whole
        for step in hole.path[:-1]:
            place = place[step]  # type: ignore[index]
        place[hole.path[-1]] = json.loads(blobs[hole.sha256])  # type: ignore[index]
    return whole  # type: ignore[return-value]


def written(value: JsonValue) -> bytes:
    """Write a value as the journal does; half a surrogate pair becomes ``?``."""
    return _encode(value).encode("utf-8", "replace")


def _thinned(value: JsonValue, path: Path, *, holes: list[Hole], large: dict[str, bytes]) -> JsonValue:
    text = written(value)
    if len(text) <= LARGE_BYTES:
        return value
    if len(path) < MOST_LEVELS and isinstance(value, Mapping | list | tuple):
        inner: list[Hole] = []
        found: dict[str, bytes] = {}
        left = _parts_thinned(value, path, holes=inner, large=found)
        if len(written(left)) <= LARGE_BYTES:
            holes += inner
            large |= found
            return left
    sha256 = hashlib.sha256(text).hexdigest()
    holes.append(Hole(path, sha256))
    large[sha256] = text
    return None


def _parts_thinned(
    value: JsonValue, path: Path, *, holes: list[Hole], large: dict[str, bytes]
) -> dict[str, JsonValue] | list[JsonValue]:
    if isinstance(value, Mapping):
        return {name: _thinned(part, (*path, name), holes=holes, large=large) for name, part in value.items()}
    parts = value if isinstance(value, list | tuple) else ()
    return [_thinned(part, (*path, index), holes=holes, large=large) for index, part in enumerate(parts)]
