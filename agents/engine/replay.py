# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Replay: a run that has ended is done once more from its record, and every entry is compared byte for byte.

Everything that the engine works out itself is worked out again: what each step would be asked, pure results, ways,
variables, lanes, the end. What came from outside is taken from the record: results of models and tools, their failures
and pauses, what people said, the times, and where a worker was killed. Nothing outside can be reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.engine.answers import listed, people_of
from agents.engine.decide import Cancel, Fail, Finish, Step, Stuck, decide
from agents.engine.dependents import holders_of
from agents.engine.documents import parse_plan
from agents.engine.errors import NotRecorded
from agents.engine.executor import Executor
from agents.engine.gate import ALLOWED, Approvers, Decision, ProposedCall, Verdict
from agents.engine.gating import Gatekeeper
from agents.engine.graph import FlowGraph
from agents.engine.holding import Holder
from agents.engine.journal import Entry, EntryType, encode_data, usage_from
from agents.engine.labels import labels_from, only_told_in
from agents.engine.lanes import parted
from agents.engine.memory_journal import MemoryJournal
from agents.engine.nowhere import Nowhere
from agents.engine.outcomes import Again, Done, Failed, StepError
from agents.engine.ports import Ports, Toolbox
from agents.engine.post import APPROVAL
from agents.engine.recorder import Recorder
from agents.engine.registry import kind_of
from agents.engine.steps import AskingKind, EffectKind, RunContext
from agents.engine.telling import Telling
from agents.engine.tools import ToolSpec
from agents.engine.view import JournalView
from codexos.kernel.chat import ChatModel
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_DIFFERENCES = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """An entry that was not what the record has; ``was`` is the record's, ``now`` what came instead."""

    seq: int
    node_id: str | None
    message: str
    was: JsonValue
    now: JsonValue

    def as_data(self) -> JsonObject:
        """Say it as JSON."""
        return {
            "seq": self.seq,
            "node_id": self.node_id,
            "message": self.message,
            "was": self.was,
            "now": self.now,
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of it: ``compared`` entries, how they differ, and the output that the run came to this time."""

    compared: int
    differences: Sequence[Difference]
    output: JsonValue

    @property
    def is_identical(self) -> bool:
        """Whether every entry came again byte for byte."""
        return not self.differences


async def replay(
    graph: FlowGraph, run: RunContext, *, record: Sequence[Entry], model: ChatModel, toolbox: Toolbox
) -> Replay:
    """Do a run again from its record. Of ``model`` and ``toolbox`` only what they are is asked, nothing of them."""
    replayer = _Replayer(graph, run, record=record, model=model, toolbox=toolbox)
    return await replayer.replay()


class _Diverged(Exception):
    """The engine does something that the record does not have, so nothing after it can be compared."""


class _Comparing(Recorder):
    """Folds the record's entry where one like it is due, and notes how the two differ."""

    def __init__(self, view: JournalView, record: Sequence[Entry], *, ports: Ports) -> None:
        super().__init__(ports, epoch=0)
        self.view = view
        self.differences: list[Difference] = []
        self.output: JsonValue = None
        self._record = record

    @property
    def due(self) -> Entry | None:
        """The record's next entry."""
        return self._record[self.view.last_seq] if self.view.last_seq < len(self._record) else None

    def record(self, kind: EntryType, data: JsonObject, *, node_id: str | None = None, attempt: int = 0) -> None:
        """Compare a fact with the one that is due. Raises _Diverged where it is of something else."""
        was = self.due
        if was is None or (was.type, was.node_id, was.attempt) != (kind, node_id, attempt):
            self.differ(was, f"{kind} of {node_id or 'the run'} came, which the record does not have here.", now=data)
            raise _Diverged
        if encode_data(data) != encode_data(was.data):
            self.differ(was, f"{kind} says something else than the record.", now=data)
        if kind == "run.finished":
            self.output = data.get("output")
        self.take()

    def notes_due(self) -> tuple[list[JsonObject], Entry | None]:
        """Return the notes of a step that are due, and what follows them."""
        notes: list[JsonObject] = []
        for entry in self._record[self.view.last_seq :]:
            if entry.type != "note":
                return notes, entry
            notes.append(entry.data)
        return notes, None

    def take(self) -> None:
        """Go on with what the record says."""
        if self.due is not None:
            self.view.fold(self.due)

    def differ(self, was: Entry | None, message: str, *, now: JsonValue = None) -> None:
        """Note a difference."""
        if len(self.differences) < MOST_DIFFERENCES:
            seq = self.view.last_seq + 1
            self.differences.append(
                Difference(seq, was.node_id if was else None, message, was.data if was else None, now)
            )


class _Replayer(Executor):
    """Does what the record says was done next, by the engine's own means."""

    def __init__(
        self, graph: FlowGraph, run: RunContext, *, record: Sequence[Entry], model: ChatModel, toolbox: Toolbox
    ) -> None:
        gate = _RecordedGate()
        ports = Ports(MemoryJournal(), _DumbModel(model), _DumbToolbox(toolbox), Nowhere(), self, gate=gate)
        super().__init__(graph, run, ports)
        view = JournalView(graph, input=run.input, read_flow=parse_plan)
        self._told = self._recorder = gate.told = _Comparing(view, record, ports=ports)
        self._telling = Telling(self._told)
        self._holder = Holder(self._telling, self._context)
        self._gatekeeper = Gatekeeper(ports, self._telling)

    def now(self) -> datetime:
        """Return the time of the entry that is due."""
        due = self._told.due
        return due.at if due is not None else datetime.max.replace(tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        """Nobody sleeps in the past."""
        raise NotRecorded(what="a pause")

    async def replay(self) -> Replay:
        """Go through the record."""
        told = self._told
        while (due := told.due) is not None:
            before = told.view.last_seq
            try:
                await self._redo(due)
            except _Diverged:
                break
            except CodexosError as error:
                told.differ(due, f"{due.type} could not be done again: {error.message}")
                break
            if told.view.last_seq == before:
                told.differ(due, f"{due.type} did not come again.")
                told.take()
        return Replay(told.view.last_seq, told.differences, told.output)

    async def _redo(self, due: Entry) -> None:
        if due.is_kept or (due.type == "note" and due.node_id is None):
            self._told.take()
        elif due.node_id is None:
            await self._redo_of_run(due)
        else:
            self._redo_step(due, Step(due.node_id, due.attempt))

    async def _redo_of_run(self, due: Entry) -> None:
        match due.type:
            case "run.accepted":
                # Where its input came from is no matter of the flow.
                labels: JsonObject = {name: due.data[name] for name in ("labels",) if name in due.data}
                self._told.record("run.accepted", {"flow": self._graph.name, **labels})
            case "run.finished":
                await self._redo_finish(due)
            case _:
                # How often a run was taken up is no matter of the flow.
                self._told.take()

    async def _redo_finish(self, due: Entry) -> None:
        decision = decide(self._graph, self._told.view, due.at)
        if isinstance(decision, Finish | Fail | Cancel | Stuck):
            await self._end(decision)
        else:
            self._told.differ(due, "The run was ended by its worker, for a reason outside of the flow.")
            self._told.take()

    def _redo_step(self, due: Entry, step: Step) -> None:
        match due.type:
            case "step.skipped":
                self._redo_skip(due, step)
            case "run.waiting":
                self._redo_waiting(due, step)
            case "approval.decided":
                self._redo_decision(due, step)
            case "step.retry":
                self._redo_retry(due, step)
            case "step.intended":
                self._redo_intention(step)
            case "note":
                self._redo_noted(step)
            case _:
                self._redo_end(due, step)

    def _redo_waiting(self, due: Entry, step: Step) -> None:
        if due.data.get("reason") == APPROVAL:
            self._prepare(step)
            call = due.data.get("call")
            self._gatekeeper.tell_held_up(
                [str(call["preview"]) if isinstance(call, Mapping) and "preview" in call else None]
            )
        elif (intended := self._told.view.cut.get(step.node_id)) is not None:
            self._telling.tell_uncertain(step.node_id, intended)

    def _redo_retry(self, due: Entry, step: Step) -> None:
        seconds = due.data.get("after_seconds")
        if step.node_id in self._told.view.open and isinstance(seconds, int | float):
            self._telling.tell(step, Again(_error_of(due), seconds, usage_from(due.data.get("usage"))))

    def _redo_skip(self, due: Entry, step: Step) -> None:
        if due.data.get("reason") != "not_reached":
            self._telling.tell_cut(step, because=str(due.data.get("reason")))
        elif step.node_id in self._told.view.dead:
            self._telling.tell_left_out(step.node_id)

    def _redo_decision(self, due: Entry, step: Step) -> None:
        if due.data.get("decision") == "timeout" and "inbox" not in due.data:
            self._tell_late(step.node_id)
        else:
            self._told.take()

    def _redo_intention(self, step: Step) -> None:
        if self._told.view.is_startable(step.node_id) and (effect := self._prepare(step)) is not None:
            self._telling.tell_intended(step, effect, documents=self._run.documents)

    def _redo_noted(self, step: Step) -> None:
        """Find out what a step's note stands before, and do that."""
        notes, following = self._told.notes_due()
        if following is None:
            return
        if following.type == "step.intended":
            self._redo_intention(step)
        else:
            self._redo_end(following, step, notes=notes)

    def _redo_end(self, due: Entry, step: Step, *, notes: Sequence[JsonObject] = ()) -> None:
        key, view = step.node_id, self._told.view
        if key not in self._graph.nodes and parted(key)[0] not in view.lanes:
            holder, _ = next(holders_of(key, graph=self._graph))
            self._holder.take_turn(holder)
        elif key in view.held:
            self._holder.take_turn(key)
        elif key in view.open or self._was_decided(key) or self._was_refused(due, key):
            self._telling.tell(step, _outcome_of(due, notes))
        elif key in view.ready:
            # Where it is an effect, it failed before it could be made.
            self._prepare(step)

    def _was_refused(self, due: Entry, key: str) -> bool:
        """Whether an effect came to its end without having been intended: its call was denied."""
        view = self._told.view
        is_refusal = due.type == "step.done" or _error_of(due).code == "tool_denied"
        return is_refusal and key in view.ready and isinstance(kind_of(view.at(key)[1].kind), EffectKind)

    def _was_decided(self, key: str) -> bool:
        view = self._told.view
        kind = kind_of(view.at(key)[1].kind)
        return key in view.ready and key in view.groups and isinstance(kind, EffectKind | AskingKind)


def _outcome_of(due: Entry, notes: Sequence[JsonObject]) -> Done | Failed:
    usage = usage_from(due.data.get("usage"))
    if due.type == "step.done":
        labels, only_told = labels_from(due.data.get("labels")), only_told_in(due.data)
        return Done(
            due.data.get("result"), usage, notes, labels=labels, only_told=only_told, left="file_labels" in due.data
        )
    return Failed(_error_of(due), usage)


def _error_of(entry: Entry) -> StepError:
    error = entry.data.get("error")
    said = error if isinstance(error, Mapping) else {}
    return StepError(str(said.get("code")), str(said.get("message")))


class _RecordedGate:
    """Decides as was decided."""

    told: _Comparing

    def decide(self, call: ProposedCall) -> Decision:
        due = self.told.notes_due()[1]
        if due is None or due.node_id != call.node_id:
            return ALLOWED
        if isinstance(asked := due.data.get("call"), Mapping):
            approvers = _approvers_from(due.data, due.data.get("timeout_seconds"))
            return Decision("ask", _texts(asked.get("reasons")), str(due.data.get("policy")), approvers)
        gate = due.data.get("gate")
        if not isinstance(gate, Mapping):
            return ALLOWED
        verdict: Verdict = "ask" if gate.get("verdict") == "ask" else "allow"
        return Decision(verdict, _texts(gate.get("reasons")), str(gate.get("policy")), self._approvers(call, gate))

    def _approvers(self, call: ProposedCall, gate: JsonObject) -> Approvers:
        """Return who had to approve: as was asked then."""
        view, approved = self.told.view, gate.get("approved")
        for_run = approved.get("for_run") if isinstance(approved, Mapping) else None
        granted = next((grant for grant in view.grants if grant["hash"] == for_run), None)
        answer = granted or view.answers.get(call.node_id) or {}
        said = answer.get("approvers")
        return _approvers_from(said if isinstance(said, Mapping) else {}, None)


def _approvers_from(said: JsonObject, seconds: JsonValue) -> Approvers:
    return Approvers(
        deciders=_texts(said.get("deciders")),
        not_requester=said.get("not_requester") is True,
        people=people_of(said),
        expires_seconds=seconds if isinstance(seconds, int | float) else None,
    )


def _texts(value: JsonValue) -> list[str]:
    return list(map(str, listed(value)))


class _DumbModel(Nowhere):
    """Knows how much models take; says nothing."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    def input_budget(self, model: str) -> int:
        return self._model.input_budget(model)


class _DumbToolbox(Nowhere):
    """Knows what tools are; calls none."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    def names(self) -> Sequence[str]:
        return self._toolbox.names()

    def describe(self, name: str) -> ToolSpec:
        return self._toolbox.describe(name)
