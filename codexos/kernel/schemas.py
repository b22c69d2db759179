# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""JSON Schema as far as it is safe on text from strangers: nothing is fetched, no pattern of theirs is run, and a check
that would take long is given up. It runs on the loop that carries everybody's runs.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from itertools import islice
from types import NoneType
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.misfits import Misfit, misfit_of, order_of

MAX_MISMATCHES = 10
MAX_SCHEMA_VALUES = 500
MAX_WORK = 300_000
"""What one check may cost, in values looked at: about a second."""

MOST_VALIDATORS_KEPT = 256

# An error quotes what it is about, so many of them about something large would fill the memory.
_CHARACTERS_QUOTED_PER_WORK = 100
# A pattern can be made to run for ever, and a reference can lead outside or in a circle.
_REFUSED_KEYWORDS = frozenset(
    {"pattern", "patternProperties", "$ref", "$dynamicRef", "$recursiveRef", "$schema", "$id"}
)


def schema_trouble(schema: JsonValue) -> str | None:
    """Say why ``schema`` cannot be used, or None where it can."""
    if not isinstance(schema, Mapping):
        return "must be a JSON Schema object"
    if _count_values(schema) > MAX_SCHEMA_VALUES:
        return f"has more than {MAX_SCHEMA_VALUES} values; simplify it"
    refused = sorted(_REFUSED_KEYWORDS.intersection(_keywords(schema)))
    if refused:
        return f"uses {', '.join(refused)}, which is not in this version; leave it out"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"is not a valid JSON Schema: {_short(error.message)}"
    return None


def mismatches(value: JsonValue, schema: JsonObject) -> list[str]:
    """Say how ``value`` misses ``schema``, at most ten times; empty where it fits."""
    return [str(misfit) for misfit in misfits(value, schema)]


def misfits(value: JsonValue, schema: JsonObject, *, most: int = MAX_MISMATCHES) -> list[Misfit]:
    """List how ``value`` misses ``schema``, in the order of its fields; empty where it fits."""
    if not schema or _plainly_fits(value, schema):
        return []
    token = _meter.set(_Meter(value))
    try:
        errors = islice(_validator_of(schema).iter_errors(value), most)
        return sorted((misfit_of(error) for error in errors), key=order_of(schema))
    except _TooMuchWork:
        return [Misfit((), "takes too long to check against its schema; send less, or simplify the schema")]
    finally:
        _meter.reset(token)


def _plainly_fits(value: JsonValue, schema: JsonValue, depth: int = 0) -> bool:
    """Whether a value fits a schema that asks for hardly more than types: most do, at a tenth of the library's cost.

    False says nothing but that it has to be looked at closely.
    """
    if not isinstance(schema, dict) or depth > _MOST_PLAIN_DEPTH or not schema.keys() <= _PLAIN_KEYWORDS:
        return False
    if not isinstance(value, _PLAIN_VALUES):
        return False
    kind = schema.get("type")
    if kind is not None and not (isinstance(kind, str) and kind in _IS_OF and _IS_OF[kind](value)):
        return False
    return not isinstance(value, dict | list) or _parts_plainly_fit(value, schema, depth + 1)


def _parts_plainly_fit(value: dict[str, JsonValue] | list[JsonValue], schema: dict[str, JsonValue], depth: int) -> bool:
    if isinstance(value, list):
        return "items" not in schema or (
            len(value) <= _MOST_PLAIN_ITEMS and all(_plainly_fits(item, schema["items"], depth) for item in value)
        )
    known, required, more = (schema.get(name) for name in ("properties", "required", "additionalProperties"))
    shapes = known if isinstance(known, dict) else {}
    if isinstance(required, list | tuple) and not all(name in value for name in required):
        return False
    if more not in (None, True) and not (more is False and value.keys() <= shapes.keys()):
        return False
    return all(_plainly_fits(part, shapes[name], depth) for name, part in value.items() if name in shapes)


_MOST_PLAIN_DEPTH = 6
_MOST_PLAIN_ITEMS = 100
_PLAIN_VALUES = (str, int, float, NoneType, dict, list)
_PLAIN_KEYWORDS = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "title", "description", "default", "examples"}
)
_IS_OF: Mapping[str, Callable[[JsonValue], bool]] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def _validator_of(schema: JsonObject) -> Any:
    # Making one costs more than most checks. A schema that is kept here is alive, so its id is nobody else's.
    kept = _validators.get(id(schema))
    if kept is None:
        if len(_validators) >= MOST_VALIDATORS_KEPT:
            del _validators[next(iter(_validators))]
        kept = _validators[id(schema)] = (schema, _MeteredValidator(schema, registry=Registry()))
    return kept[1]


_validators: dict[int, tuple[JsonObject, Any]] = {}


class _TooMuchWork(Exception):
    """A check has cost more than it may."""


class _Meter:
    """Counts what one check costs."""

    def __init__(self, value: JsonValue) -> None:
        self._left = MAX_WORK
        self._value = value
        self._per_error: int | None = None

    def count(self, work: int) -> None:
        """Take off ``work``. Raises _TooMuchWork."""
        self._left -= work
        if self._left < 0:
            raise _TooMuchWork

    def count_error(self) -> None:
        """Take off what an error costs that quotes the value. Raises _TooMuchWork."""
        if self._per_error is None:
            self._per_error = len(json.dumps(self._value, default=dict)) // _CHARACTERS_QUOTED_PER_WORK
        self.count(self._per_error)


_meter: ContextVar[_Meter] = ContextVar("meter")

# A keyword of the library: takes the validator, then by place what the schema says, the value, and the whole schema.
Keyword = Callable[..., Any]


def _metered(keyword: Keyword) -> Keyword:
    def check(validator: Any, *asked: Any) -> Iterator[ValidationError]:
        meter, (wanted, instance, _) = _meter.get(), asked
        meter.count(1 + _length(wanted) + _length(instance))
        for error in keyword(validator, *asked) or ():
            meter.count_error()
            yield error

    return check


def _unique_items(_validator: Any, *asked: Any) -> Iterator[ValidationError]:
    wanted, instance, _ = asked
    # The library compares each with each, which takes hours where there are many.
    if wanted and isinstance(instance, list | tuple) and len({_sameness(item) for item in instance}) < len(instance):
        yield ValidationError("two items are the same")


def _required(_validator: Any, *asked: Any) -> Iterator[ValidationError]:
    wanted, instance, _ = asked
    if isinstance(instance, Mapping):
        yield from (ValidationError("is missing", path=(name,)) for name in wanted if name not in instance)


def _dependent_required(_validator: Any, *asked: Any) -> Iterator[ValidationError]:
    wanted, instance, _ = asked
    if isinstance(instance, Mapping):
        needed = dict.fromkeys(name for given, names in wanted.items() if given in instance for name in names)
        yield from (ValidationError("is missing", path=(name,)) for name in needed if name not in instance)


def _additional_properties(validator: Any, *asked: Any) -> Iterator[ValidationError]:
    wanted, instance, schema = asked
    if wanted is not False:
        yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, *asked) or ()
    elif isinstance(instance, Mapping):
        known = schema.get("properties", {})
        yield from (ValidationError("is not asked for", path=(name,)) for name in instance if name not in known)


# Ours: they say the place of what is wrong rather than of what it is missing from, or are as fast as may be.
_KEYWORDS: Mapping[str, Keyword] = {
    "uniqueItems": _unique_items,
    "required": _required,
    "dependentRequired": _dependent_required,
    "additionalProperties": _additional_properties,
}


def _sameness(item: JsonValue) -> object:
    if isinstance(item, bool) or not isinstance(item, str | int | float):
        return "as JSON", json.dumps(item, sort_keys=True, default=dict)
    return item


def _length(value: object) -> int:
    return len(value) if isinstance(value, Mapping | list | tuple) else 0


_MeteredValidator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {name: _metered(keyword) for name, keyword in {**Draft202012Validator.VALIDATORS, **_KEYWORDS}.items()},
)


def _count_values(schema: JsonValue) -> int:
    count, waiting = 0, [schema]
    while waiting:
        part = waiting.pop()
        count += 1
        if isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, Sequence) and not isinstance(part, str):
            waiting.extend(part)
    return count


def _keywords(schema: JsonValue) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            yield key
            # What stands right below it are names that somebody chose.
            inner = list(value.values()) if key == "properties" and isinstance(value, Mapping) else value
            yield from _keywords(inner)
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for value in schema:
            yield from _keywords(value)


def _short(message: str) -> str:
    return message if len(message) <= 200 else message[:197] + "…"
