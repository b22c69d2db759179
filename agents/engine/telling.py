# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What came of steps, told in the journal's words."""

from collections import ChainMap
from collections.abc import Mapping, Sequence

from agents.engine.decide import Step
from agents.engine.errors import ResultTooLarge
from agents.engine.expressions import Scope
from agents.engine.graph import Node
from agents.engine.journal import Entry, EntryType, Told, joined, usage_data
from agents.engine.labels import (
    NONE,
    TOOL,
    Labels,
    labels_from,
    labels_of_set,
    labels_read,
    labels_shown,
)
from agents.engine.labels import told as told_labels
from agents.engine.lanes import Lane
from agents.engine.nodes.rendering import filled_in
from agents.engine.outcomes import Again, Done, Failed, Outcome, StepError, Waiting
from agents.engine.recorder import Recorder
from agents.engine.routing import choose_targets
from agents.engine.sizes import MAX_RESULT_BYTES, is_too_large, written_if_fit
from agents.engine.steps import Collected, Effect, Holding, scope_of
from agents.engine.variables import reduced
from codexos.kernel.chat import ContextDocument, Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

_NOTHING = Usage()
_CUT_BECAUSE = {
    "may_have_happened": "was cut off after it began, so its effect may have happened; the run goes on without it.",
    "cancelled": "was cut off: the run was cancelled.",
    "ended": "was ended with the run, which was cancelled. What it did outside until then has happened.",
    "failed": "was cut off: another step failed.",
    "not_needed": "was cut off: it was not needed any more.",
}


class Telling:
    """Writes the entries of one run; nothing is durable before its recorder commits."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def tell(self, step: Step, outcome: Outcome | Collected) -> None:
        """Tell what a step came to."""
        match outcome:
            case Done():
                self._tell_done(step, outcome)
            case Collected():
                self._tell_collected(step, outcome)
            case Waiting(reason, message, said):
                self._record("run.waiting", step, data={**said, "reason": reason, "message": message})
            case Again(error, after_seconds, usage):
                data = {"error": error.as_data(), "after_seconds": after_seconds, **_spent(usage)}
                self._record("step.retry", step, data=data)
            case Failed():
                self._tell_failed(step, outcome)

    def tell_intended(self, step: Step, effect: Effect, *, documents: Sequence[ContextDocument] = ()) -> None:
        """Tell that an effect is about to happen, which shows ``documents`` to a model where it asks one."""
        self._note(effect.notes, step)
        lane, node = self._recorder.view.at(step.node_id)
        labels = self._read(lane, node) | labels_shown(node, documents)
        self._record("step.intended", step, data={**effect.intent, "may_repeat": effect.may_repeat, **_labeled(labels)})

    def tell_held(self, step: Step, holding: Holding) -> None:
        """Tell that a node begins to hold lanes."""
        count: JsonObject = {} if holding.count is None else {"count": holding.count}
        labels = _labeled(self._read(*self._recorder.view.at(step.node_id)))
        self._record("step.intended", step, data={**holding.said, **count, "parallel": holding.parallel, **labels})

    def tell_opened(self, lane: Lane, entry: JsonValue, *, flow: JsonValue) -> None:
        """Tell that a lane begins: its entry is done."""
        node = lane.graph.nodes[lane.graph.entry]
        step = Step(lane.key(node.id), 1)
        data: dict[str, JsonValue] = {"result": entry}
        if flow is not None:
            data["flow"] = flow
        labels = self._labels_of_opening(lane)
        follow_up = self._follow_up(lane, node, result=entry, labels=labels)
        self._record("step.done", step, data={**data, **_labeled(labels), **follow_up})

    def tell_cut(self, step: Step, *, because: str) -> None:
        """Tell that a step was ended by us; one that had not begun leaves nothing to tell."""
        view = self._recorder.view
        if step.node_id in view.open or step.node_id in view.cut:
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

    def tell_expired(self, key: str, error: StepError) -> None:
        """Tell that the time of a node that holds lanes is up, before anything in them is cut off."""
        data: JsonObject = {"message": error.message, "level": "warning", "expired": key, "error": error.as_data()}
        self._recorder.record("note", data)

    def tell_pause(self, by: str, *, message_id: str) -> None:
        """Tell that somebody wants nothing more to begin for now."""
        message = f"{by} paused the run: what is under way ends, nothing else begins."
        self._recorder.record("note", {"message": message, "level": "warning", "paused_by": by, "inbox": message_id})

    def tell_resume(self, by: str, *, message_id: str) -> None:
        """Tell that somebody wants the run to go on."""
        self._recorder.record("note", {"message": f"{by} resumed the run.", "resumed_by": by, "inbox": message_id})

    def tell_cancel(self, by: str, *, message_id: str | None = None, replaced_by: str | None = None) -> None:
        """Tell that somebody wants the run to end, and which newer run replaces it where one does."""
        data: dict[str, JsonValue] = {
            "message": f"{by} asked for the run to be cancelled.",
            "level": "warning",
            "cancelled_by": by,
        }
        if replaced_by is not None:
            data["message"] = f"{by} started run {replaced_by!r} of the same flow, which replaces this one."
            data["replaced_by"] = replaced_by
        self._recorder.record("note", data if message_id is None else {**data, "inbox": message_id})

    def tell_decided(
        self, node_id: str, decision: str, *, by: str, message_id: str | None, said: JsonObject | None = None
    ) -> Step:
        """Tell what was decided about a step that waits, and what was ``said`` with it; return the step it is about."""
        attempt = self._recorder.view.attempts.get(node_id, 0)
        data: dict[str, JsonValue] = {"decision": decision, "by": by, **(said or {})}
        if message_id is not None:
            data["inbox"] = message_id
        self._recorder.record("approval.decided", data, node_id=node_id, attempt=attempt)
        return Step(node_id, attempt)

    def tell_ignored(self, message: str, *, message_id: str) -> None:
        """Tell that a message of the inbox changed nothing."""
        self._recorder.record("note", {"message": message, "level": "warning", "inbox": message_id})

    @property
    def waiting(self) -> Mapping[str, JsonObject]:
        """The steps that wait for a person, with what was told of them."""
        return self._recorder.view.waiting

    def answer_to(self, node_id: str) -> JsonObject | None:
        """What people have said so far about a call that waits to be made."""
        return self._recorder.view.answers.get(node_id)

    def outcomes_of(self, node_id: str) -> set[str | None]:
        """The outcomes that a way out of a step is drawn for."""
        return {way.outcome for way in self._recorder.view.at(node_id)[1].ways}

    def _tell_done(self, step: Step, done: Done) -> None:
        begun: JsonObject = {"result": done.result}
        if done.written is not None:
            begun = Told(begun, b'{"result":%b}' % done.written)
        self._tell_end(step, begun, done=done)

    def _tell_collected(self, step: Step, collected: Collected) -> None:
        view = self._recorder.view
        if collected.what == "lane":
            result: JsonValue = view.at(step.node_id)[0].gathered
        else:
            held = view.held[step.node_id]
            result = held.last if collected.what == "last" else held.collected
        # What is collected stands in the journal already: only that it was is written down.
        self._tell_end(step, {"collected": collected.what}, done=Done(result, notes=collected.notes))

    def _tell_end(self, step: Step, begun: JsonObject, *, done: Done) -> None:
        """Tell that a step is done, beginning with what says its result."""
        try:
            written = written_if_fit(begun)
            is_all = begun.get("collected") in ("last", "all")
            if written is None or (is_all and is_too_large({"result": done.result})):
                raise ResultTooLarge(node_id=step.node_id, limit=MAX_RESULT_BYTES)
            lane, node = self._recorder.view.at(step.node_id)
            read = self._labels_of(step.node_id, lane, node)
            labels = read | done.labels
            follow_up = self._follow_up(lane, node, result=done.result, labels=labels)
            files = told_labels(read | (done.labels - done.only_told))
            left: JsonObject = {"file_labels": files} if done.left else {}
            more = {**_spent(done.usage), **_labeled(labels), **left, **follow_up}
        except CodexosError as error:
            self._tell_failed(step, Failed(StepError.of(error), done.usage))
            return
        self._note(done.notes, step)
        self._record("step.done", step, data=Told({**begun, **more}, joined(written, more)))

    def _tell_failed(self, step: Step, failed: Failed) -> None:
        data: dict[str, JsonValue] = {"error": failed.error.as_data(), **_spent(failed.usage)}
        lane, node = self._recorder.view.at(step.node_id)
        recovery = self._recovery(lane, node, failed.error)
        if not recovery and not lane.is_root:
            # It fails what holds the lane, which tells of it, in a stranger's words perhaps, where it stands.
            recovery = _labeled(self._labels_of_trouble(lane, node))
        self._record("step.failed", step, data=data | recovery)

    def _recovery(self, lane: Lane, node: Node, error: StepError) -> dict[str, JsonValue]:
        """Say how a node's ``on_error`` goes on from its failure; nothing where that fails the run."""
        if node.on_error is None:
            return {}
        if node.on_error.target is not None:
            # What went wrong may be told in a stranger's words.
            labels = _labeled(self._labels_of_trouble(lane, node))
            return {"result": {"error": error.as_data()}, "next": [node.on_error.target], **labels}
        try:
            follow_up = self._follow_up(lane, node, result=node.on_error.default, labels=NONE)
            return {"result": node.on_error.default, **follow_up}
        except CodexosError:
            # The default leads nowhere: the failure that called for it is what people should see.
            return {}

    def _read(self, lane: Lane, node: Node) -> Labels:
        return labels_read(lane, node) if self._recorder.view.is_labeled else NONE

    def _labels_of(self, key: str, lane: Lane, node: Node) -> Labels:
        """Return the labels of what a step comes to: of what it had read when it began."""
        view = self._recorder.view
        if (intended := view.open.get(key)) is not None:
            return labels_from(intended.data.get("labels"))
        if (held := view.held.get(key)) is not None:
            return labels_from(held.data.get("labels")) | held.result_labels
        if lane.is_root and node.id == lane.graph.entry:
            return lane.input_labels
        return self._read(lane, node)

    def _labels_of_opening(self, lane: Lane) -> Labels:
        """Return the labels of what a lane begins with: of what its holder reads, and of what those before it gave."""
        held = lane.owner
        if held is None or not self._recorder.view.is_labeled:
            return NONE
        found = labels_from(held.data.get("labels")) | labels_read(held.lane, held.node)
        return found if held.node.kind == "map" else found | held.result_labels

    def _labels_of_trouble(self, lane: Lane, node: Node) -> Labels:
        key = lane.key(node.id)
        intended = self._recorder.view.open.get(key)
        tool = None if intended is None else intended.data.get("tool")
        own = NONE if tool is None else frozenset({f"{TOOL}{tool}"})
        return own | self._labels_of(key, lane, node)

    def _follow_up(self, lane: Lane, node: Node, *, result: JsonValue, labels: Labels) -> dict[str, JsonValue]:
        """Say what follows from a result: the ways that are taken, and the variables that are set."""
        data: dict[str, JsonValue] = {}
        if node.sets:
            data["set"] = self._values_to_set(lane, node, result=result)
            if (labels or self._recorder.view.is_labeled) and (named := labels_of_set(node, lane, result=labels)):
                data["set_labels"] = named
        if node.has_choice:
            targets = choose_targets(node, result, scope_of(lane))
            if targets is not None:
                data["next"] = list(targets)
        return data

    def _values_to_set(self, lane: Lane, node: Node, *, result: JsonValue) -> JsonObject:
        seen: Scope = ChainMap({node.id: result}, dict(scope_of(lane)))
        home = lane.home
        values = {name: filled_in(written, seen) for name, written in node.sets.items()}
        for name, value in values.items():
            if name in home.graph.variables:
                reduced(name, home.graph.variables[name].reducer, before=home.variables[name], value=value)
        return values

    def _note(self, notes: Sequence[JsonObject], step: Step) -> None:
        for note in notes:
            if str(note.get("message")) not in self._recorder.view.noted:
                self._record("note", step, data=note)

    def _record(self, kind: EntryType, step: Step, *, data: JsonObject) -> None:
        self._recorder.record(kind, data, node_id=step.node_id, attempt=step.attempt)


def _labeled(labels: Labels) -> dict[str, JsonValue]:
    return {"labels": told_labels(labels)} if labels else {}


def _spent(usage: Usage) -> dict[str, JsonValue]:
    return {} if usage == _NOTHING else {"usage": usage_data(usage)}
