# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Schemas of an OpenAPI document as plain JSON Schema: references taken in, bounded, without what we do not check."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_DEEP = 10
"""How deep a schema is taken over; what lies deeper may be anything."""
MOST_VALUES = 450
"""How large it may become once its references are taken in."""
_TEXT_CHARACTERS = 600

_KEPT_AS_IT_IS = frozenset(
    {"type", "enum", "const", "format", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems"}
    | {"maxItems", "uniqueItems", "minProperties", "maxProperties", "default", "title", "description", "required"}
)
_SCHEMAS = frozenset({"items", "additionalProperties", "not"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


class TooLarge(Exception):
    """A schema becomes larger than it may once its references are taken in."""


class Unresolved(Exception):
    """A reference leads nowhere, or out of the document."""


class Resolver:
    """Follows the references of one document, and none that leads out of it."""

    def __init__(self, document: JsonObject) -> None:
        self._document = document

    def follow(self, value: JsonValue) -> JsonObject:
        """Return what a value or a reference stands for. Raises Unresolved."""
        seen = 0
        while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
            value, seen = self._at(str(value["$ref"])), seen + 1
            if seen > MOST_DEEP:
                raise Unresolved("a reference leads in a circle")
        if not isinstance(value, Mapping):
            raise Unresolved("something is no object where one belongs")
        return value

    def schema(self, value: JsonValue) -> JsonObject:
        """Return a schema with everything taken in. Raises TooLarge, Unresolved."""
        written = _Writing(self).schema(value, depth=0)
        return written if isinstance(written, Mapping) else {}

    def _at(self, reference: str) -> JsonValue:
        if not reference.startswith("#"):
            raise Unresolved(f"{reference[:100]!r} leads out of the document; only references within it are followed")
        found: JsonValue = self._document
        for part in reference[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list | tuple) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, Mapping) and name in found:
                found = found[name]
            else:
                raise Unresolved(f"{reference[:100]!r} leads nowhere")
        return found


class _Writing:
    """One schema as it is written anew, counted as it grows."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._left = MOST_VALUES
        self._inside: list[str] = []

    def schema(self, value: JsonValue, *, depth: int) -> JsonValue:
        if isinstance(value, bool):
            return value
        reference = value.get("$ref") if isinstance(value, Mapping) else None
        # What holds itself is taken over once; inside of itself it may be anything.
        if depth > MOST_DEEP or reference in self._inside:
            return {}
        # Before its parts: a document of a page can mean more than any memory holds.
        self._spend(1)
        told = self._resolver.follow(value)
        self._inside.append(str(reference))
        written: dict[str, JsonValue] = {}
        for name, part in told.items():
            kept = self._part(name, part, depth=depth)
            if kept is not None:
                written[name] = kept
        self._inside.pop()
        return _mended(written, told)

    def _part(self, name: str, part: JsonValue, *, depth: int) -> JsonValue:
        if name in _KEPT_AS_IT_IS:
            self._spend(_size(part))
            return part[:_TEXT_CHARACTERS] if isinstance(part, str) else part
        if name in _SCHEMAS and isinstance(part, bool | Mapping):
            return self.schema(part, depth=depth + 1)
        if name in _LISTS and isinstance(part, list | tuple):
            return [self.schema(each, depth=depth + 1) for each in part]
        if name == "properties" and isinstance(part, Mapping):
            return self._properties(part, depth=depth)
        return None

    def _properties(self, part: JsonObject, *, depth: int) -> JsonObject:
        shown = {name: each for name, each in part.items() if not _is_read_only(each)}
        return {name: self.schema(each, depth=depth + 1) for name, each in shown.items()}

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise TooLarge


def _mended(written: dict[str, JsonValue], told: JsonObject) -> JsonObject:
    """Say as JSON Schema what OpenAPI 3.0 says in a way of its own, and drop what is no schema."""
    _mend_type(written, told)
    for name, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        limit = told.get(name)
        if limit is True and plain in written:
            written[name] = written.pop(plain)
        elif isinstance(limit, int | float) and not isinstance(limit, bool):
            written[name] = limit
    properties, required = written.get("properties"), written.pop("required", None)
    if isinstance(required, list | tuple):
        known = properties if isinstance(properties, Mapping) else None
        written["required"] = [name for name in required if known is None or name in known]
    return written


def _mend_type(written: dict[str, JsonValue], told: JsonObject) -> None:
    kinds = written.get("type")
    listed = list(kinds) if isinstance(kinds, list | tuple) else [kinds] if kinds is not None else []
    if any(kind not in _TYPES for kind in listed):
        written.pop("type")
    elif told.get("nullable") is True and listed and "null" not in listed:
        written["type"] = [*listed, "null"]
        if isinstance(options := written.get("enum"), list | tuple) and None not in options:
            written["enum"] = [*options, None]


def _is_read_only(value: JsonValue) -> bool:
    return isinstance(value, Mapping) and value.get("readOnly") is True


def _size(value: JsonValue) -> int:
    waiting, count = [value], 0
    while waiting:
        part = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            return count
        if isinstance(part, Mapping):
            waiting.extend(cast(Mapping[str, Any], part).values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
    return count
