# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""loop: do the body again until something holds, at most so many times. Its result is what the last round gave."""

from collections.abc import Sequence

from agents.engine.errors import LoopLimitReached
from agents.engine.expressions import MAX_EXPRESSION_CHARACTERS, evaluate_expression, is_true
from agents.engine.lanes import Held
from agents.engine.nodes import settings
from agents.engine.steps import Collected, Holding, HoldingKind, Opening, Setting, StepContext

DEFAULT_ROUNDS = 10
MOST_ROUNDS = 1_000


def _begin(step: StepContext) -> Holding:
    return Holding(said={"max_rounds": _most(step)})


def _most(step: StepContext) -> int:
    most = step.node.settings.get("max_rounds")
    return most if isinstance(most, int) else DEFAULT_ROUNDS


def _turn(step: StepContext, held: Held) -> Sequence[Opening] | Collected:
    if held.next_index == 0:
        return [Opening(step.last_result)]
    until = step.setting_text("until")
    names = {"last": held.last, "round": held.next_index}
    if until is not None and is_true(evaluate_expression(until, {**step.scope, **names})):
        return Collected("last")
    if held.next_index < _most(step):
        return [Opening(held.last)]
    if until is not None and step.setting_text("at_limit") != "go on":
        raise LoopLimitReached(node_id=step.node_id, rounds=held.next_index)
    return Collected("last")


LOOP = HoldingKind(
    "loop",
    {
        "body": Setting(
            settings.A_FLOW,
            "The flow to do in each round; it begins with what leads to the loop, then with what the last round gave.",
            is_required=True,
        ),
        "until": Setting(
            settings.text(longest=MAX_EXPRESSION_CHARACTERS),
            "An expression that ends the loop where it holds after a round: {{ last.done }}, {{ round == 3 }}.",
            is_expression=True,
        ),
        "max_rounds": Setting(
            settings.whole_number(least=1, most=MOST_ROUNDS), "How many rounds there may be at most (10)."
        ),
        "at_limit": Setting(
            settings.one_of("fail", "go on"),
            'What follows when \'until\' did not hold after the last round: "fail", or "go on" with what it gave.',
        ),
    },
    _begin,
    _turn,
)
