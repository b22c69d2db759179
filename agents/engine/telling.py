# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What came of steps, told in the journal's words."""

from collections.abc import Sequence

from agents.engine.decide import Step
from agents.engine.errors import ResultTooLarge
from agents.engine.graph import FlowGraph, Node
from agents.engine.journal import Entry, EntryType, usage_data
from agents.engine.outcomes import Again, Done, Failed, Outcome, StepError, Waiting
from agents.engine.recorder import Recorder
from agents.engine.routing import choose_targets
from agents.engine.sizes import MAX_RESULT_BYTES, is_too_large
from agents.engine.steps import Effect, RunContext, scope_of
from codexos.kernel.chat import Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

_CUT_BECAUSE = {
    "cancelled": "was cut off: the run was cancelled.",
    "failed": "was cut off: another step failed.",
    "not_needed": "was cut off: the run had its result without it.",
}


class Telling:
    """Writes the entries of one run; nothing is durable before its recorder commits."""

    def __init__(self, recorder: Recorder, graph: FlowGraph, *, run: RunContext) -> None:
        self._recorder = recorder
        self._graph = graph
        self._run = run

    def tell(self, step: Step, outcome: Outcome) -> None:
        """Tell what a step came to."""
        match outcome:
            case Done():
                self._tell_done(step, outcome)
            case Waiting(reason, message):
                self._record("run.waiting", step, data={"reason": reason, "message": message})
            case Again(error, after_seconds):
                self._record("step.retry", step, data={"error": error.as_data(), "after_seconds": after_seconds})
            case Failed():
                self._tell_failed(step, outcome)

    def tell_intended(self, step: Step, effect: Effect) -> None:
        """Tell that an effect is about to happen."""
        self._note(effect.notes, step)
        self._record("step.intended", step, data={**effect.intent, "may_repeat": effect.may_repeat})

    def tell_cut(self, step: Step, *, because: str) -> None:
        """Tell that a step was ended by us; one that had not begun leaves nothing to tell."""
        if step.node_id in self._recorder.view.open:
            message = f"Step {step.node_id!r} {_CUT_BECAUSE[because]}"
            self._record("step.skipped", step, data={"reason": because, "message": message})

    def tell_left_out(self, node_id: str) -> None:
        """Tell that no way led to a node."""
        message = f"Step {node_id!r} was left out: no way led to it."
        self._recorder.record("step.skipped", {"reason": "not_reached", "message": message}, node_id=node_id)

    def tell_uncertain(self, node_id: str, intended: Entry) -> None:
        """Tell that nobody knows whether an effect happened; a person decides."""
        message = (
            f"Step {node_id!r} was cut off after it began, so its effect may have happened. "
            "Look outside, then decide whether to do it again."
        )
        data: JsonObject = {"reason": "may_have_happened", "message": message, "intended": intended.data}
        self._recorder.record("run.waiting", data, node_id=node_id, attempt=intended.attempt)

    def tell_cancel(self, by: str, *, message_id: str | None = None) -> None:
        """Tell that somebody wants the run to end."""
        data: dict[str, JsonValue] = {
            "message": f"{by} asked for the run to be cancelled.",
            "level": "warning",
            "cancelled_by": by,
        }
        self._recorder.record("note", data if message_id is None else {**data, "inbox": message_id})

    def tell_decided(self, node_id: str, decision: str, *, by: str, message_id: str) -> Step:
        """Tell what a person decided about a step that waits; return the step it is about."""
        attempt = self._recorder.view.attempts.get(node_id, 0)
        data: JsonObject = {"decision": decision, "by": by, "inbox": message_id}
        self._recorder.record("approval.decided", data, node_id=node_id, attempt=attempt)
        return Step(node_id, attempt)

    def tell_ignored(self, message: str, *, message_id: str) -> None:
        """Tell that a message of the inbox changed nothing."""
        self._recorder.record("note", {"message": message, "level": "warning", "inbox": message_id})

    def is_waiting(self, node_id: str) -> bool:
        """Whether a step waits for a person."""
        return node_id in self._recorder.view.waiting

    def _tell_done(self, step: Step, done: Done) -> None:
        data: dict[str, JsonValue] = {"result": done.result, **_spent(done.usage)}
        if is_too_large(data):
            too_large = ResultTooLarge(node_id=step.node_id, limit=MAX_RESULT_BYTES)
            self._tell_failed(step, Failed(StepError.of(too_large), done.usage))
            return
        try:
            data |= self._way_on(self._graph.nodes[step.node_id], done.result)
        except CodexosError as error:
            self._tell_failed(step, Failed(StepError.of(error), done.usage))
            return
        self._note(done.notes, step)
        self._record("step.done", step, data=data)

    def _tell_failed(self, step: Step, failed: Failed) -> None:
        data: dict[str, JsonValue] = {"error": failed.error.as_data(), **_spent(failed.usage)}
        self._record("step.failed", step, data=data | self._recovery(self._graph.nodes[step.node_id], failed.error))

    def _recovery(self, node: Node, error: StepError) -> dict[str, JsonValue]:
        """Say how a node's ``on_error`` goes on from its failure; nothing where that fails the run."""
        if node.on_error is None:
            return {}
        if node.on_error.target is not None:
            return {"result": {"error": error.as_data()}, "next": [node.on_error.target]}
        try:
            return {"result": node.on_error.default, **self._way_on(node, node.on_error.default)}
        except CodexosError:
            # The default leads nowhere: the failure that called for it is what people should see.
            return {}

    def _way_on(self, node: Node, result: JsonValue) -> dict[str, JsonValue]:
        targets = choose_targets(node, result, scope_of(self._run, self._recorder.view))
        return {} if targets is None else {"next": list(targets)}

    def _note(self, notes: Sequence[JsonObject], step: Step) -> None:
        for note in notes:
            if str(note.get("message")) not in self._recorder.view.noted:
                self._record("note", step, data=note)

    def _record(self, kind: EntryType, step: Step, *, data: JsonObject) -> None:
        self._recorder.record(kind, data, node_id=step.node_id, attempt=step.attempt)


def _spent(usage: Usage) -> dict[str, JsonValue]:
    return {} if usage == Usage() else {"usage": usage_data(usage)}
