# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The settings that every kind of node takes."""

from collections.abc import Mapping

from agents.engine.nodes import settings
from agents.engine.steps import Setting, Shape
from codexos.kernel.jsontypes import JsonObject, JsonValue

_RETRY: Mapping[str, Shape] = {
    "attempts": settings.whole_number(least=1, most=10),
    "backoff_seconds": settings.number(least=0, most=3_600),
    "max_backoff_seconds": settings.number(least=0, most=86_400),
    "jitter": settings.number(least=0, most=1),
    "on": settings.list_of_texts(longest=100, most=100),
}
_MOST_WAYS_IN = 1_000


def _retry_trouble(value: JsonValue) -> str | None:
    known = frozenset(_RETRY)
    if not settings.is_exactly(value, required=frozenset({"attempts"}), optional=known) or not isinstance(
        value, Mapping
    ):
        return f'must be an object such as {{"attempts": 3}}, with nothing but {", ".join(_RETRY)}'
    for name, shape in _RETRY.items():
        trouble = shape.trouble(value[name]) if name in value else None
        if trouble:
            return f"has {name!r}, which {trouble}"
    return None


def _trouble_of_on_error(value: JsonValue) -> str | None:
    if isinstance(value, str) and value.strip():
        return None
    if settings.is_exactly(value, required=frozenset({"default"})):
        return None
    return 'must be "fail", the id of a node, or an object such as {"default": null}'


def _join_trouble(value: JsonValue) -> str | None:
    if value in ("all", "any") and isinstance(value, str):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_WAYS_IN:
        return None
    return 'must be "all", "any", or a number of ways'


_RETRY_SCHEMA: JsonObject = settings.an_object_of(
    {name: shape.schema for name, shape in _RETRY.items()}, required=("attempts",)
)
_ON_ERROR_SCHEMA: JsonObject = {
    "anyOf": [
        {"type": "string", "pattern": r"\S"},
        settings.an_object_of({"default": {}}, required=("default",)),
    ]
}
_JOIN_SCHEMA: JsonObject = {
    "anyOf": [{"enum": ["all", "any"]}, {"type": "integer", "minimum": 1, "maximum": _MOST_WAYS_IN}]
}

EVERY_KIND: Mapping[str, Setting] = {
    "retry": Setting(
        Shape(_retry_trouble, _RETRY_SCHEMA),
        "How often to try, after which errors (by their codes; all that may pass), and how long to rest before "
        "trying again: each rest is twice the one before, less a share of up to 'jitter'.",
    ),
    "timeout_seconds": Setting(
        settings.number(least=0.1, most=31_536_000),
        "How long one attempt may take; all lanes of a node that holds some; the answer to an approval.",
    ),
    "idle_seconds": Setting(
        settings.number(least=0.1, most=86_400), "How long it may be silent before it counts as hanging."
    ),
    "set": Setting(
        settings.AN_OBJECT,
        "Variables of the flow's 'state' to set once it is done: from their names to values with templates in them.",
        is_template=True,
    ),
    "on_error": Setting(
        Shape(_trouble_of_on_error, _ON_ERROR_SCHEMA),
        'What follows when it fails for good: "fail" ends the run, an id goes on there, a default goes on with it.',
    ),
    "join": Setting(
        Shape(_join_trouble, _JOIN_SCHEMA),
        "How many of the ways that lead here must have come: all that still can, any, or a number.",
    ),
}
