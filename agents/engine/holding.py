# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carrying nodes that hold lanes: opening them, and coming to an end when they have."""

from collections.abc import Callable

from agents.engine.decide import Step
from agents.engine.effects import broken
from agents.engine.errors import StepTimedOut
from agents.engine.lanes import Held, Lane
from agents.engine.nodes.entry import entered_with
from agents.engine.outcomes import Done, Failed, StepError
from agents.engine.registry import kind_of
from agents.engine.steps import Collected, HoldingKind, Opening, StepContext
from agents.engine.telling import Telling
from codexos.kernel.errors import Broken, CodexosError
from codexos.kernel.jsontypes import JsonObject


class Holder:
    """Gives turns to the nodes of one run that hold lanes."""

    def __init__(self, telling: Telling, context_of: Callable[[str], StepContext]) -> None:
        self._telling = telling
        self._context_of = context_of

    def take_turn(self, key: str) -> None:
        """Let a node open lanes, or tell what it came to."""
        context = self._context_of(key)
        held = context.view.held[key]
        step = Step(key, context.view.attempts.get(key, 1))
        if held.failure is not None:
            self._telling.tell(step, Failed(_passed_up(held, held.failure)))
            return
        try:
            self._go_on(step, held, context=context)
        except Broken:
            raise
        except CodexosError as error:
            self._telling.tell(step, Failed(StepError.of(error)))
        except Exception:
            self._telling.tell(step, broken(step))

    def expire(self, key: str) -> None:
        """End a node whose lanes took too long."""
        context = self._context_of(key)
        late = StepTimedOut(node_id=key, seconds=context.node.timeout_seconds or 0)
        self._telling.tell_expired(key, StepError.of(late))

    def _go_on(self, step: Step, held: Held, *, context: StepContext) -> None:
        kind = kind_of(held.node.kind)
        if not isinstance(kind, HoldingKind):
            raise TypeError(f"{held.node.kind!r} holds no lanes")
        following = kind.turn(context, held)
        if isinstance(following, Done | Collected):
            self._telling.tell(step, following)
            return
        if not following:
            raise RuntimeError(f"{held.key!r} has its turn and does nothing")
        for opening in following:
            self._open(opening, held, context=context)

    def _open(self, opening: Opening, held: Held, *, context: StepContext) -> None:
        lane = context.view.lane_of(held, held.next_index, input=opening.input, flow=opening.flow)
        try:
            entered = entered_with(self._at_entry(lane, context))
        except CodexosError:
            del context.view.lanes[lane.path]
            raise
        self._telling.tell_opened(lane, entered, flow=opening.flow)

    @staticmethod
    def _at_entry(lane: Lane, context: StepContext) -> StepContext:
        return StepContext(lane.graph.nodes[lane.graph.entry], lane, context.run, context.view)


def _passed_up(held: Held, failure: JsonObject) -> StepError:
    """Say of a node why it failed: because a step inside it did."""
    code, message = str(failure.get("code", "failed")), str(failure.get("message", ""))
    inside = failure.get("node_id")
    return StepError(code, message if inside in (None, held.key) else f"{inside}: {message}")
