# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a value misses its schema, in sentences of our own: for people beside a field, and for models and programs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema.exceptions import ValidationError

from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_CHARACTERS = 200

KIND_WORDS: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}
MISSING = "is missing"
UNKNOWN = "is not asked for"


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing about a value that does not fit. ``said`` goes on from its name, filled in from ``about``."""

    place: tuple[str | int, ...]
    said: str
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Say what is wrong, without where."""
        return self.said % self.about

    def __str__(self) -> str:
        return f"{place_text(self.place)!r} {self.message}" if self.place else f"it {self.message}"


def place_text(place: tuple[str | int, ...]) -> str:
    """Write a place as people and programs read it: ``rows[3].amount``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def misfit_of(error: ValidationError) -> Misfit:
    """Say an error of the schema library as ours."""
    rule, wanted = str(error.validator), error.validator_value
    said = _WORDS.get(rule, "does not fit %(rule)r of its schema")
    if rule == "oneOf" and not error.context:
        said = "fits more than one of the forms that it may have"
    if rule.startswith("min") and rule != "minimum" and wanted == 1:
        said = "must not be empty"
    about = _ABOUT.get(rule, _plainly)(wanted, error.instance)
    return Misfit(tuple(error.absolute_path), said, {"rule": rule, **about})


def order_of(schema: JsonObject) -> Callable[[Misfit], int]:
    """Return the key by which misfits stand in the order of the schema's fields; those of the whole value last."""
    properties = schema.get("properties")
    known = {name: number for number, name in enumerate(properties)} if isinstance(properties, Mapping) else {}
    return lambda misfit: known.get(str(misfit.place[0]), len(known)) if misfit.place else len(known) + 1


def kind_of(value: JsonValue) -> str:
    """Return what kind of value one is, as JSON Schema calls it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "string" if isinstance(value, str) else "object" if isinstance(value, Mapping) else "array"


def _plainly(wanted: Any, _given: Any) -> dict[str, str]:
    return {"wanted": _written(wanted)}


def _type(wanted: Any, given: Any) -> dict[str, str]:
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    return {
        "wanted": " or ".join(KIND_WORDS.get(str(kind), str(kind)) for kind in kinds),
        "given": KIND_WORDS[kind_of(given)],
    }


def _choices(wanted: Any, _given: Any) -> dict[str, str]:
    return {"wanted": _short(", ".join(_written(value) for value in wanted))}


def _written(value: Any) -> str:
    # What is meant by the keywords that quote their value is short; another's is never shown.
    return _short(json.dumps(value, ensure_ascii=False, default=dict))


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


_ABOUT: Mapping[str, Callable[[Any, Any], dict[str, str]]] = {"type": _type, "enum": _choices}

_WORDS: Mapping[str, str] = {
    "None": "holds something that is not allowed",
    "type": "must be %(wanted)s, not %(given)s",
    "required": MISSING,
    "dependentRequired": "is missing beside what was given",
    "additionalProperties": UNKNOWN,
    "unevaluatedProperties": "holds something that is not asked for",
    "unevaluatedItems": "holds something that is not asked for",
    "enum": "must be one of %(wanted)s",
    "const": "must be %(wanted)s",
    "minimum": "must be at least %(wanted)s",
    "maximum": "must be at most %(wanted)s",
    "exclusiveMinimum": "must be more than %(wanted)s",
    "exclusiveMaximum": "must be less than %(wanted)s",
    "multipleOf": "must be a multiple of %(wanted)s",
    "minLength": "must have at least %(wanted)s characters",
    "maxLength": "must have at most %(wanted)s characters",
    "minItems": "must have at least %(wanted)s items",
    "maxItems": "must have at most %(wanted)s items",
    "uniqueItems": "has two items that are the same",
    "items": "has more items than it may have",
    "contains": "lacks an item that it must have",
    "minProperties": "must have at least %(wanted)s members",
    "maxProperties": "must have at most %(wanted)s members",
    "propertyNames": "has a member with a name that does not fit",
    "anyOf": "fits none of the forms that it may have",
    "oneOf": "fits none of the forms that it may have",
    "not": "is what it must not be",
}
