# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Are the variables of a flow well declared, and does no writer overwrite what another sets at the same time?"""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import get_args

from agents.engine.boxes import Box
from agents.engine.findings import Findings, shown
from agents.engine.graph import Reducer
from agents.engine.nodes import settings
from agents.engine.places import inside
from agents.engine.reach import Reach, reach_of
from agents.engine.wiring import Around
from codexos.kernel.jsontypes import JsonObject, JsonValue

REDUCERS: Sequence[Reducer] = get_args(Reducer)
MOST_VARIABLES = 100
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LIMITS = {
    "seconds": settings.number(least=1, most=31_536_000),
    "steps": settings.whole_number(least=1, most=1_000_000),
    "tokens": settings.whole_number(least=1, most=10**12),
    "cost_usd": settings.number(least=0, most=10**9),
}
LIMITS_SCHEMA: JsonObject = settings.an_object_of({name: shape.schema for name, shape in _LIMITS.items()}, required=())
STATE_SCHEMA: JsonObject = {
    "type": "object",
    "maxProperties": MOST_VARIABLES,
    "propertyNames": {"pattern": f"^{_NAME.pattern}$"},
    "additionalProperties": settings.an_object_of({"initial": {}, "reducer": {"enum": list(REDUCERS)}}, required=()),
}


def around_flow(document: JsonObject) -> Around:
    """What the templates of a flow may read beside its nodes."""
    variables = document.get("state")
    return Around(variables=variables if isinstance(variables, Mapping) else {})


def check_variables(document: JsonObject, findings: Findings) -> None:
    """Add every trouble with the variables a flow declares, and with its limits."""
    _check_limits(document.get("limits"), findings)
    variables = document.get("state")
    if variables is None:
        return
    if not isinstance(variables, Mapping) or len(variables) > MOST_VARIABLES:
        findings.error(
            "$.state",
            f"'state' is an object of at most {MOST_VARIABLES} variables, such as "
            '{"total": {"initial": 0, "reducer": "add"}}. Write it so.',
        )
        return
    for name, variable in variables.items():
        place = inside("$.state", name)
        if not _NAME.fullmatch(name):
            findings.error(place, f"{shown(name)} is no name of a variable: letters, digits and _. Rename it.")
        _check_variable(variable, place, findings=findings)


def _check_variable(variable: JsonValue, place: str, *, findings: Findings) -> None:
    if not settings.is_exactly(variable, required=frozenset(), optional=frozenset({"initial", "reducer"})):
        findings.error(place, 'A variable is an object such as {"initial": 0, "reducer": "add"}. Write it so.')
        return
    reducer = variable.get("reducer", "last") if isinstance(variable, Mapping) else "last"
    if reducer not in REDUCERS:
        meant = findings.meant(str(reducer), REDUCERS)
        findings.error(
            f"{place}.reducer", f"There is no reducer {shown(str(reducer))}.{meant} Use one of: {', '.join(REDUCERS)}."
        )


def _check_limits(limits: JsonValue, findings: Findings) -> None:
    if limits is None:
        return
    if not isinstance(limits, Mapping):
        findings.error("$.limits", f"'limits' is an object of {', '.join(_LIMITS)}. Write it so.")
        return
    for name, value in limits.items():
        trouble = _LIMITS[name].trouble(value) if name in _LIMITS else f"is no limit; use {', '.join(_LIMITS)}"
        if trouble:
            findings.error(inside("$.limits", name), f"{shown(name)} {trouble}.")


def check_writers(boxes: Sequence[Box], around: Around, *, findings: Findings) -> None:
    """Add every variable that is set and not declared, or set at the same time by two without a reducer."""
    writers: dict[str, list[Box]] = {}
    for box in boxes:
        values = box.settings.get("set")
        for name in values if isinstance(values, Mapping) else ():
            place = inside(box.place_of("set"), name)
            if name not in around.variables:
                meant = findings.meant(name, around.variables)
                findings.error(place, f"The flow's 'state' has no variable {shown(name)}.{meant} Declare it there.")
            elif around.is_parallel and not _has_reducer(around.variables[name]):
                findings.error(place, _clash(name, "each item of the map around it"))
            else:
                writers.setdefault(name, []).append(box)
    alone = {name: found for name, found in writers.items() if not _has_reducer(around.variables[name])}
    if any(len(found) > 1 for found in alone.values()):
        reach = reach_of(boxes, {box.id: box for box in boxes})
        for name, found in alone.items():
            _check_clashes(name, [box for box in found if box.id in reach.before], reach, findings=findings)


def _check_clashes(name: str, writers: Sequence[Box], reach: Reach, *, findings: Findings) -> None:
    for one, other in combinations(writers[:20], 2):
        in_order = reach.comes_before(one.id, other.id) or reach.comes_before(other.id, one.id)
        if not in_order and not reach.are_apart(one.id, other.id):
            findings.error(inside(other.place_of("set"), name), _clash(name, shown(one.id)))
            return


def _clash(name: str, other: str) -> str:
    chosen = ", ".join(repr(each) for each in REDUCERS if each != "last")
    return (
        f"{shown(name)} is set by {other} too, and the two may come at the same time (two writers and no reducer). "
        f"Give the variable a reducer: {chosen}."
    )


def _has_reducer(variable: JsonValue) -> bool:
    return isinstance(variable, Mapping) and variable.get("reducer", "last") != "last"
