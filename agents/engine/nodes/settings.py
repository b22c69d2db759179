# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the settings of nodes may look like, checked and said as JSON Schema."""

import math
from collections.abc import Mapping

from agents.engine.steps import Shape
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import schema_trouble


def text(*, longest: int, may_be_empty: bool = False) -> Shape:
    """A string of at most ``longest`` characters."""

    def trouble(value: JsonValue) -> str | None:
        if not isinstance(value, str):
            return "must be text"
        if not value.strip() and not may_be_empty:
            return "must not be empty"
        if "\x00" in value:
            return "must not hold NUL characters"
        return f"must have at most {longest:,} characters" if len(value) > longest else None

    schema: dict[str, JsonValue] = {"type": "string", "maxLength": longest}
    if not may_be_empty:
        schema["pattern"] = r"\S"
    return Shape(trouble, schema)


def number(*, least: float, most: float) -> Shape:
    """A number between two bounds."""

    def trouble(value: JsonValue) -> str | None:
        fits = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and least <= value <= most
        )
        return None if fits else f"must be a number from {least:g} to {most:g}"

    return Shape(trouble, {"type": "number", "minimum": least, "maximum": most})


def whole_number(*, least: int, most: int) -> Shape:
    """A whole number between two bounds."""

    def trouble(value: JsonValue) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a whole number from {least:,} to {most:,}"

    return Shape(trouble, {"type": "integer", "minimum": least, "maximum": most})


def list_of_texts(*, longest: int, most: int) -> Shape:
    """A list of at least one and at most ``most`` short texts."""
    each = text(longest=longest)

    def trouble(value: JsonValue) -> str | None:
        if isinstance(value, list | tuple) and 0 < len(value) <= most and not any(map(each.trouble, value)):
            return None
        return f"must be a list of 1 to {most} texts of at most {longest} characters"

    return Shape(trouble, {"type": "array", "minItems": 1, "maxItems": most, "items": each.schema})


def either(*shapes: Shape) -> Shape:
    """Any one of several shapes."""

    def trouble(value: JsonValue) -> str | None:
        found = [said for said in (shape.trouble(value) for shape in shapes) if said]
        return " or ".join(found) if len(found) == len(shapes) else None

    return Shape(trouble, {"anyOf": [shape.schema for shape in shapes]})


def _object_trouble(value: JsonValue) -> str | None:
    return None if isinstance(value, Mapping) else "must be an object"


def one_of(*values: str) -> Shape:
    """One of a few words."""
    listed = ", ".join(repr(value) for value in values)
    return Shape(lambda value: None if value in values else f"must be one of {listed}", {"enum": list(values)})


def list_of(shape: Shape, *, most: int) -> Shape:
    """A list of values of one shape, none of them twice."""

    def trouble(value: JsonValue) -> str | None:
        if not isinstance(value, list | tuple):
            return "must be a list"
        if len(value) > most:
            return f"must have at most {most:,} items"
        wrong = next((f"has {each!r}, which {said}" for each in value if (said := shape.trouble(each))), None)
        return wrong or ("must name each once" if len(set(map(str, value))) < len(value) else None)

    return Shape(trouble, {"type": "array", "items": shape.schema, "maxItems": most, "uniqueItems": True})


def _flow_trouble(value: JsonValue) -> str | None:
    fits = isinstance(value, Mapping) and isinstance(value.get("nodes"), list | tuple)
    return None if fits else "must be a flow: an object with a list of 'nodes', from an entry to an exit"


A_FLOW = Shape(_flow_trouble, {"$ref": "#/$defs/body"})
"""A flow inside a node; what is in it is checked with the flow around it."""

YES_OR_NO = Shape(lambda value: None if isinstance(value, bool) else "must be true or false", {"type": "boolean"})
"""True or false."""

AN_OBJECT = Shape(_object_trouble, {"type": "object"})
"""An object, whatever is in it."""

ANYTHING = Shape(lambda value: None, {})
"""Any value at all."""

A_SCHEMA = Shape(schema_trouble, {"type": "object"})
"""A JSON Schema that may be checked against."""


def is_exactly(value: JsonValue, *, required: frozenset[str], optional: frozenset[str] = frozenset()) -> bool:
    """Whether a value is an object with these keys and no others."""
    return isinstance(value, Mapping) and required <= value.keys() <= required | optional


def an_object_of(properties: Mapping[str, JsonObject], *, required: tuple[str, ...]) -> JsonObject:
    """Say as JSON Schema: an object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
