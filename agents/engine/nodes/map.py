# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""map: do the body once for each item of a list, several at a time. Its result is the list of what each gave."""

from collections.abc import Mapping, Sequence

from agents.engine.errors import NoListToMap, TooManyLanes
from agents.engine.expressions import MAX_EXPRESSION_CHARACTERS, evaluate_expression
from agents.engine.lanes import MOST_LANES, Held
from agents.engine.nodes import settings
from agents.engine.nodes.rendering import filled_in
from agents.engine.steps import Collected, Holding, HoldingKind, Opening, Setting, Shape, StepContext
from codexos.kernel.jsontypes import JsonValue

DEFAULT_PARALLEL = 5
MOST_PARALLEL = 100


def items_of(step: StepContext) -> Sequence[JsonValue]:
    """Return the list a map goes over. Raises NoListToMap, TooManyLanes, ExpressionInvalid."""
    over = step.node.settings.get("over")
    value = evaluate_expression(over, step.scope) if isinstance(over, str) else filled_in(over, step.scope)
    if not isinstance(value, list | tuple):
        raise NoListToMap(node_id=step.node_id, found=_said(value))
    if len(value) > MOST_LANES:
        raise TooManyLanes(node_id=step.node_id, count=len(value), limit=MOST_LANES)
    return value


def _said(value: JsonValue) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "nothing" if value is None else "text" if isinstance(value, str) else repr(value)


def _begin(step: StepContext) -> Holding:
    parallel = step.node.settings.get("max_parallel")
    items = items_of(step)
    # Written down: what it goes over may have changed by the time the next lane opens.
    return Holding(len(items), parallel if isinstance(parallel, int) else DEFAULT_PARALLEL, {"items": items})


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Collected:
    if held.count == len(held.results):
        return Collected("all")
    items, first = held.data.get("items"), held.next_index
    return [Opening(item) for item in items[first : first + held.room]] if isinstance(items, list | tuple) else []


def _over_trouble(value: JsonValue) -> str | None:
    return None if isinstance(value, list | tuple) else _EXPRESSION.trouble(value)


_EXPRESSION = settings.text(longest=MAX_EXPRESSION_CHARACTERS)

MAP = HoldingKind(
    "map",
    {
        "over": Setting(
            Shape(_over_trouble, {"anyOf": [{"type": "array"}, _EXPRESSION.schema]}),
            "The list to go over: an expression, such as {{ input.items }}, or a list with templates in it.",
            is_expression=True,
            is_required=True,
        ),
        "body": Setting(settings.A_FLOW, "The flow to do for each; it begins with the item.", is_required=True),
        "max_parallel": Setting(
            settings.whole_number(least=1, most=MOST_PARALLEL), "How many items are under way at a time (5)."
        ),
    },
    _begin,
    _turn,
)
