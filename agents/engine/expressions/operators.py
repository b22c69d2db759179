# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the operators do. Types are taken as they are: nothing is turned into something else behind anyone's back."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeGuard

from agents.engine.expressions.limits import MAX_WHOLE_NUMBER
from agents.engine.expressions.values import kind_of, quoted
from agents.engine.expressions.work import Work
from codexos.kernel.jsontypes import JsonValue

Operator = Callable[[JsonValue, JsonValue, Work], JsonValue]
Number = int | float


def is_number(value: JsonValue) -> TypeGuard[Number]:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_equal(left: JsonValue, right: JsonValue, work: Work) -> bool:
    """Whether two values are the same all the way down; values of different kinds are not. Raises ExpressionInvalid."""
    pairs: list[tuple[JsonValue, JsonValue]] = [(left, right)]
    while pairs:
        one, other = pairs.pop()
        work.spend(1)
        if one is other:
            continue
        if kind_of(one) != kind_of(other):
            return False
        inside = _pairs_inside(one, other, work)
        if inside is None:
            return False
        pairs.extend(inside)
    return True


def _pairs_inside(one: JsonValue, other: JsonValue, work: Work) -> list[tuple[JsonValue, JsonValue]] | None:
    """Give what must be equal for two values of a kind to be so, or None where they already differ."""
    if isinstance(one, str) and isinstance(other, str):
        work.scan(one)
        return [] if one == other else None
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if len(one) != len(other):
            return None
        work.spend(len(one))
        return [(one[key], other[key]) for key in one] if all(key in other for key in one) else None
    if isinstance(one, Sequence) and isinstance(other, Sequence):
        work.spend(min(len(one), len(other)))
        return list(zip(one, other, strict=True)) if len(one) == len(other) else None
    return [] if one == other else None


def holds(container: JsonValue, value: JsonValue, work: Work) -> bool:
    """Whether a text has that part, a list that item, an object that key. Raises ExpressionInvalid."""
    if isinstance(container, str) and isinstance(value, str):
        work.search(container, value)
        return value in container
    if isinstance(container, Mapping) and isinstance(value, str):
        return value in container
    if isinstance(container, Sequence) and not isinstance(container, str):
        return any(is_equal(item, value, work) for item in container)
    raise work.refused(
        f"{kind_of(value)} cannot be looked for in {kind_of(container)}".capitalize(),
        "Look for text in text, for an item in a list or for a key in an object",
    )


def settled(value: Number, work: Work) -> Number:
    """Give a number as it goes on: whole where it has no fraction. Raises ExpressionInvalid where it is too large."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise work.refused("The number is too large to calculate with", "Calculate with smaller ones")
        return int(value) if value.is_integer() and abs(value) <= MAX_WHOLE_NUMBER else value
    if abs(value) > MAX_WHOLE_NUMBER:
        raise work.refused(
            f"The whole number is beyond {MAX_WHOLE_NUMBER:,} and not exact everywhere", "Keep such numbers as text"
        )
    return value


def negative(value: JsonValue, work: Work) -> Number:
    """Give the number below zero. Raises ExpressionInvalid."""
    return settled(-_operand(value, "-", work), work)


def _add(left: JsonValue, right: JsonValue, work: Work) -> JsonValue:
    if isinstance(left, str) and isinstance(right, str):
        work.allow(len(left) + len(right))
        return work.made(left + right)
    if not (is_number(left) and is_number(right)):
        raise work.refused(
            f"'+' adds two numbers or joins two texts, not {kind_of(left)} and {kind_of(right)}",
            "Turn one into the other with text(…) or number(…)",
        )
    return _sum(left, right, work)


def _numeric(sign: str, calculate: Callable[[Number, Number], Number]) -> Operator:
    def apply(left: JsonValue, right: JsonValue, work: Work) -> JsonValue:
        one, other = _operand(left, sign, work), _operand(right, sign, work)
        if sign in {"/", "%"} and other == 0:
            raise work.refused("Nothing can be divided by zero", f"Check what stands right of '{sign}' first")
        return settled(calculate(one, other), work)

    return apply


def _operand(value: JsonValue, sign: str, work: Work) -> Number:
    if not is_number(value):
        raise work.refused(f"'{sign}' takes numbers, not {kind_of(value)}", "Turn text into a number with number(…)")
    return settled(value, work)


def _ordering(sign: str, fits: Callable[[int], bool]) -> Operator:
    def apply(left: JsonValue, right: JsonValue, work: Work) -> JsonValue:
        if isinstance(left, str) and isinstance(right, str):
            work.scan(min(left, right, key=len))
            return fits((left > right) - (left < right))
        if is_number(left) and is_number(right):
            return fits((left > right) - (left < right))
        raise work.refused(
            f"'{sign}' compares two numbers or two texts, not {kind_of(left)} with {kind_of(right)}",
            "Turn one into the other with text(…) or number(…)",
        )

    return apply


_sum = _numeric("+", operator.add)

SUMS: Mapping[str, Operator] = {"+": _add, "-": _numeric("-", operator.sub)}
PRODUCTS: Mapping[str, Operator] = {
    "*": _numeric("*", operator.mul),
    "/": _numeric("/", operator.truediv),
    "%": _numeric("%", operator.mod),
}
COMPARISONS: Mapping[str, Operator] = {
    "==": is_equal,
    "!=": lambda left, right, work: not is_equal(left, right, work),
    "<": _ordering("<", lambda order: order < 0),
    "<=": _ordering("<=", lambda order: order <= 0),
    ">": _ordering(">", lambda order: order > 0),
    ">=": _ordering(">=", lambda order: order >= 0),
    "in": lambda left, right, work: holds(right, left, work),
    "not in": lambda left, right, work: not holds(right, left, work),
}


def reach(value: JsonValue, key: str | int) -> JsonValue:
    """Read an item or a key. Raises LookupError where there is none."""
    if isinstance(key, str) and isinstance(value, Mapping):
        return value[key]
    if isinstance(key, int) and isinstance(value, Sequence) and not isinstance(value, str):
        return value[key]
    raise LookupError


def what_is_there(value: JsonValue, key: str | int) -> str:
    """Say what is there where nothing could be reached."""
    if isinstance(key, str) and isinstance(value, Mapping):
        return f"has no {quoted(key)}; it has {_keys_of(value)}"
    if isinstance(key, int) and isinstance(value, Sequence) and not isinstance(value, str):
        return f"has {len(value)} items, so there is no [{key}]"
    asked = f"[{key}]" if isinstance(key, int) else f".{key}" if key.isidentifier() else f"[{quoted(key)}]"
    return f"is {kind_of(value)}, so {asked} cannot be read from it"


def _keys_of(value: Mapping[str, JsonValue]) -> str:
    # Objects may have a great many keys, and long ones.
    few = sorted(value)[:10] if len(value) <= 1_000 else [key for key, _ in zip(value, range(10), strict=False)]
    return ", ".join(key if key.isprintable() and len(key) <= 60 else quoted(key) for key in few) or "nothing"
