# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What becomes of a run's variable when one more value is set: how parallel writers come together."""

from collections.abc import Callable, Mapping

from agents.engine.errors import VariableMisfit
from agents.engine.graph import Reducer
from codexos.kernel.jsontypes import JsonValue


def reduced(name: str, reducer: Reducer, *, before: JsonValue, value: JsonValue) -> JsonValue:
    """Return what the variable is afterwards. Raises VariableMisfit where the two do not go together."""
    if reducer == "last":
        return value
    together = _REDUCERS[reducer](before, value)
    if together is None:
        raise VariableMisfit(name=name, reducer=reducer)
    return together


def _add(before: JsonValue, value: JsonValue) -> JsonValue:
    if not _is_number(value) or not (before is None or _is_number(before)):
        return None
    return value if before is None else before + value  # type: ignore[operator]


def _append(before: JsonValue, value: JsonValue) -> JsonValue:
    if before is not None and not isinstance(before, list | tuple):
        return None
    return [*(before or ()), value]


def _extend(before: JsonValue, value: JsonValue) -> JsonValue:
    if not isinstance(value, list | tuple) or not (before is None or isinstance(before, list | tuple)):
        return None
    return [*(before or ()), *value]


def _merge(before: JsonValue, value: JsonValue) -> JsonValue:
    if not isinstance(value, Mapping) or not (before is None or isinstance(before, Mapping)):
        return None
    return {**(before or {}), **value}


def _least(before: JsonValue, value: JsonValue) -> JsonValue:
    return _chosen(before, value, takes_new=lambda old, new: new < old)


def _most(before: JsonValue, value: JsonValue) -> JsonValue:
    return _chosen(before, value, takes_new=lambda old, new: new > old)


def _chosen(before: JsonValue, value: JsonValue, *, takes_new: Callable[[float, float], bool]) -> JsonValue:
    if not _is_number(value) or not (before is None or _is_number(before)):
        return None
    return value if before is None or takes_new(before, value) else before  # type: ignore[arg-type]


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_REDUCERS: Mapping[Reducer, Callable[[JsonValue, JsonValue], JsonValue]] = {
    "add": _add,
    "append": _append,
    "extend": _extend,
    "merge": _merge,
    "min": _least,
    "max": _most,
}
