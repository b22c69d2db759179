# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""JSON Schema as far as it is safe on text from strangers: nothing is fetched and no pattern of theirs is run."""

from collections.abc import Iterator, Mapping, Sequence

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry

from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_MISMATCHES = 10
# A pattern can be made to run for ever, and a reference can lead outside or in a circle.
_REFUSED_KEYWORDS = frozenset(
    {"pattern", "patternProperties", "$ref", "$dynamicRef", "$recursiveRef", "$schema", "$id"}
)


def schema_trouble(schema: JsonValue) -> str | None:
    """Say why ``schema`` cannot be used, or None where it can."""
    if not isinstance(schema, Mapping):
        return "must be a JSON Schema object"
    refused = sorted(_REFUSED_KEYWORDS.intersection(_keywords(schema)))
    if refused:
        return f"uses {', '.join(refused)}, which is not in this version; leave it out"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"is not a valid JSON Schema: {_short(error.message)}"
    return None


def mismatches(value: JsonValue, schema: JsonObject) -> list[str]:
    """List how ``value`` misses ``schema``, readably, at most ten; empty where it fits."""
    validator = Draft202012Validator(schema, registry=Registry())
    found: list[str] = []
    for error in validator.iter_errors(value):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(
            "."
        )
        found.append(f"{place}: {_short(error.message)}" if place else _short(error.message))
        if len(found) == MAX_MISMATCHES:
            break
    return sorted(found)


def _keywords(schema: JsonValue) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            yield key
            yield from _keywords(value)
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for value in schema:
            yield from _keywords(value)


def _short(message: str) -> str:
    return message if len(message) <= 200 else message[:197] + "…"
