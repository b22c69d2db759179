# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The functions of the expression language: these and no others, each with so many values as it takes."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from agents.engine.expressions.limits import MAX_VALUE_NESTING, MAX_WHOLE_NUMBER
from agents.engine.expressions.operators import Number, holds, is_number, settled
from agents.engine.expressions.values import kind_of, quoted
from agents.engine.expressions.work import Work
from codexos.kernel.jsontypes import JsonObject, JsonValue

_NUMBER = re.compile(r"[-+]?[0-9]{1,100}(\.[0-9]{1,100})?([eE][-+]?[0-9]{1,4})?")
_TOO_DEEP = f"nested deeper than {MAX_VALUE_NESTING} levels"
MAX_DECIMALS = 15


@dataclass(frozen=True, slots=True)
class Given:
    """What a function was given; each reader refuses what is not of its kind."""

    name: str
    values: Sequence[JsonValue]
    work: Work

    def text(self, index: int) -> str:
        value = self.values[index]
        if isinstance(value, str):
            return value
        raise self.unfit(index, "text")

    def list(self, index: int) -> Sequence[JsonValue]:
        value = self.values[index]
        if isinstance(value, Sequence) and not isinstance(value, str):
            return value
        raise self.unfit(index, "a list")

    def object(self, index: int) -> JsonObject:
        value = self.values[index]
        if isinstance(value, Mapping):
            return value
        raise self.unfit(index, "an object")

    def number(self, index: int) -> Number:
        value = self.values[index]
        if is_number(value):
            return settled(value, self.work)
        raise self.unfit(index, "a number")

    def whole(self, index: int) -> int:
        value = self.number(index)
        if isinstance(value, int):
            return value
        raise self.work.refused(f"{self.name}() takes a whole number there, not {value}", "Use round(…, 0)")

    def unfit(self, index: int, wanted: str) -> Exception:
        """Make the error for a value of the wrong kind."""
        which = f" as its value {index + 1}" if len(self.values) > 1 else ""
        return self.work.refused(
            f"{self.name}() takes {wanted}{which}, not {kind_of(self.values[index])}", "Give it what it takes"
        )


@dataclass(frozen=True, slots=True)
class Function:
    """A function: what its values are called, and what it does."""

    takes: tuple[str, ...]
    call: Callable[[Given], JsonValue]


def _len(given: Given) -> JsonValue:
    value = given.values[0]
    if isinstance(value, str | Mapping | Sequence):
        return len(value)
    raise given.unfit(0, "text, a list or an object")


def _changed(change: Callable[[str], str]) -> Callable[[Given], JsonValue]:
    def call(given: Given) -> JsonValue:
        given.work.allow(len(given.text(0)))
        return given.work.made(change(given.text(0)))

    return call


def _tested(test: Callable[[str, str], bool]) -> Callable[[Given], JsonValue]:
    def call(given: Given) -> JsonValue:
        given.work.scan(given.text(1))
        return test(given.text(0), given.text(1))

    return call


def _not_empty(given: Given, index: int) -> str:
    text = given.text(index)
    if not text:
        raise given.work.refused(
            f"{given.name}() takes no empty text as its value {index + 1}", "Write what to look for"
        )
    return text


def _replace(given: Given) -> JsonValue:
    text, old, new = given.text(0), _not_empty(given, 1), given.text(2)
    given.work.search(text, old)
    count = text.count(old)
    given.work.allow(len(text) + count * (len(new) - len(old)))
    return given.work.made(text.replace(old, new)) if count else text


def _split(given: Given) -> JsonValue:
    text, separator = given.text(0), _not_empty(given, 1)
    given.work.search(text, separator)
    given.work.spend(text.count(separator))
    return [*given.work.made(text).split(separator)]


def _join(given: Given) -> JsonValue:
    items, separator = given.list(0), given.text(1)
    given.work.spend(len(items))
    given.work.produce(len(separator) * max(0, len(items) - 1))
    return separator.join([given.work.made(given.work.text_of(item)) for item in items])


def _slice(given: Given) -> JsonValue:
    value, start, end = given.values[0], given.whole(1), given.whole(2)
    if isinstance(value, str):
        return given.work.made(value[start:end])
    part = given.list(0)[start:end]
    given.work.spend(len(part))
    return part


def _first(given: Given) -> JsonValue:
    return given.list(0)[0] if given.list(0) else None


def _last(given: Given) -> JsonValue:
    return given.list(0)[-1] if given.list(0) else None


def _keys(given: Given) -> JsonValue:
    value = given.object(0)
    given.work.spend(len(value))
    given.work.produce(sum(map(len, value)))
    return [*value]


def _number(given: Given) -> JsonValue:
    if not isinstance(given.values[0], str):
        return given.number(0)
    text = given.text(0)
    # Longer ones are no numbers, and are not searched for their ends.
    written = text.strip() if len(text) <= 1_000 else ""
    if not _NUMBER.fullmatch(written):
        raise given.work.refused(f"{quoted(text)} cannot be read as a number", "Write it with digits, such as 12.5")
    return settled(float(written) if set(written) & set(".eE") else int(written), given.work)


def _json(given: Given) -> JsonValue:
    text = given.work.made(given.text(0))
    given.work.spend(sum(map(text.count, ",[{")))
    try:
        return _read(_unfenced(text))
    except RecursionError:
        why = _TOO_DEEP
    except json.JSONDecodeError as error:
        why = f"{error.msg} (line {error.lineno} of it)"
    except UnicodeEncodeError:
        why = "half a character"
    except ValueError as error:
        why = str(error)
    raise given.work.refused(f"json() cannot read the text: {why}", "Give it one JSON value")


def _unfenced(text: str) -> str:
    """Take off the fence that models like to put around what they were asked to write as JSON."""
    stripped = text.strip()
    if not (stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped):
        return text
    return stripped[stripped.index("\n") : -3]


def _read(text: str) -> JsonValue:
    value: JsonValue = json.loads(text, parse_int=_whole, parse_float=_decimal, parse_constant=_no_number)
    _check_nesting(value)
    if "\\u" in text:
        # An escape may stand for half a character, which no file and no database takes.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _whole(written: str) -> int:
    if len(written) > 17 or abs(int(written)) > MAX_WHOLE_NUMBER:
        raise ValueError(f"a whole number beyond {MAX_WHOLE_NUMBER:,}")
    return int(written)


def _decimal(written: str) -> float:
    if not math.isfinite(float(written)):
        raise ValueError("a number that is too large")
    return float(written)


def _no_number(written: str) -> float:
    raise ValueError(f"{written} is no number")


def _check_nesting(value: JsonValue) -> None:
    waiting: list[tuple[JsonValue, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_VALUE_NESTING:
            raise ValueError(_TOO_DEEP)
        if isinstance(part, Mapping):
            waiting.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, Sequence) and not isinstance(part, str):
            waiting.extend((inner, depth + 1) for inner in part)


def _round(given: Given) -> JsonValue:
    value, digits = given.number(0), given.whole(1)
    if not 0 <= digits <= MAX_DECIMALS:
        raise given.work.refused(f"round() takes 0 to {MAX_DECIMALS} digits, not {digits}", "Give it fewer")
    if isinstance(value, int) or abs(value) >= MAX_WHOLE_NUMBER:
        return value
    # As people round what they see: half a step goes away from zero.
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=50))
    return settled(float(rounded), given.work)


FUNCTIONS: Mapping[str, Function] = {
    "len": Function(("value",), _len),
    "lower": Function(("text",), _changed(str.lower)),
    "upper": Function(("text",), _changed(str.upper)),
    "trim": Function(("text",), _changed(str.strip)),
    "replace": Function(("text", "old", "new"), _replace),
    "contains": Function(("whole", "part"), lambda given: holds(given.values[0], given.values[1], given.work)),
    "starts_with": Function(("text", "start"), _tested(str.startswith)),
    "ends_with": Function(("text", "end"), _tested(str.endswith)),
    "split": Function(("text", "separator"), _split),
    "join": Function(("list", "separator"), _join),
    "slice": Function(("value", "start", "end"), _slice),
    "first": Function(("list",), _first),
    "last": Function(("list",), _last),
    "keys": Function(("object",), _keys),
    "text": Function(("value",), lambda given: given.work.text_of(given.values[0])),
    "number": Function(("value",), _number),
    "json": Function(("text",), _json),
    "to_json": Function(("value",), lambda given: given.work.json_of(given.values[0])),
    "round": Function(("number", "digits"), _round),
}
