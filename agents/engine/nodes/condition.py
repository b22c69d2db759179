# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""condition: choose the way on. By the value of ``expression``, or by the first of ``cases`` that holds."""

from collections.abc import Iterator, Mapping, Sequence

from agents.engine.errors import NoBranch
from agents.engine.expressions import MAX_EXPRESSION_CHARACTERS, Budget, evaluate_expression, is_true, text_of
from agents.engine.graph import ELSE
from agents.engine.nodes import settings
from agents.engine.steps import PureKind, Setting, Shape, StepContext
from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_CASES = 100

_EXPRESSION = settings.text(longest=MAX_EXPRESSION_CHARACTERS)
_NAME = settings.text(longest=100)


def _compute(step: StepContext) -> JsonValue:
    outcomes = list(dict.fromkeys(way.outcome for way in step.node.ways if way.outcome is not None))
    cases = step.node.settings.get("cases")
    if isinstance(cases, Sequence) and not isinstance(cases, str):
        branch, value = _first_that_holds(cases, step)
    else:
        value = evaluate_expression(step.setting_text("expression") or "", step.scope)
        branch = text_of(value).strip()
    if branch not in outcomes or branch == ELSE:
        if ELSE not in outcomes:
            raise NoBranch(node_id=step.node.id, value=branch, outcomes=outcomes)
        branch = ELSE
    return {"branch": branch, "value": value}


def _first_that_holds(cases: Sequence[JsonValue], step: StepContext) -> tuple[str, JsonValue]:
    budget = Budget()
    for case in cases:
        if isinstance(case, Mapping):
            value = evaluate_expression(str(case.get("when")), step.scope, budget=budget)
            if is_true(value):
                return str(case.get("name")), value
    return ELSE, None


def _cases_trouble(value: JsonValue) -> str | None:
    if not isinstance(value, list | tuple) or not value:
        return 'must be a list such as [{"when": "{{ input.urgent }}", "next": "a"}]'
    if len(value) > MAX_CASES:
        return f"has {len(value):,} cases; at most {MAX_CASES} are taken"
    return next(_case_troubles(value), None)


def _case_troubles(cases: Sequence[JsonValue]) -> Iterator[str]:
    taken: set[JsonValue] = set()
    for index, case in enumerate(cases):
        if not settings.is_exactly(case, required=frozenset({"name", "when"})) or not isinstance(case, Mapping):
            yield f"has as number {index + 1} no object of 'when' and 'next', with a 'name' if you like"
            return
        for key, shape in (("name", _NAME), ("when", _EXPRESSION)):
            trouble = shape.trouble(case[key])
            if trouble:
                yield f"has in number {index + 1} a {key!r} that {trouble}"
                return
        name = str(case["name"])
        if name in taken or name == ELSE:
            yield f"has as number {index + 1} a case called {name!r}; its name must be its own, and not 'else'"
        taken.add(name)


_TARGET: JsonObject = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_CASES: JsonObject = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_CASES,
    "items": settings.an_object_of(
        {"name": _NAME.schema, "when": _EXPRESSION.schema, "next": _TARGET}, required=("when",)
    ),
}

CONDITION = PureKind(
    "condition",
    {
        "expression": Setting(
            _EXPRESSION, "Its value, said as text, is the outcome that chooses the way on.", is_expression=True
        ),
        "cases": Setting(
            Shape(_cases_trouble, _CASES),
            "Expressions, each with where it leads; the first that holds chooses the way on.",
            is_expression=True,
        ),
    },
    _compute,
)
