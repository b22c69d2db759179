# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run as a page shows it: its nodes with what each did so far, and its journal as lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from accounts.actor import Actor
from agents.engine.answers import listed, people_of
from agents.engine.documents import parse_flow
from agents.engine.errors import GraphInvalid
from agents.engine.journal import Entry
from agents.engine.logs import log_line
from agents.engine.nodes.approval import form_of
from agents.engine.post import ANSWERS, APPROVAL
from agents.engine.view import JournalView
from agents.models import Run
from agents.queries.interventions import Asked, deciders_of
from agents.queries.progress import NodeView, Progress, folded, said_by
from agents.queries.runs import graph_of
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import redact_mapping

# What an intention says to the engine alone.
_FOR_THE_ENGINE = frozenset({"may_repeat", "estimate"})


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of the console."""

    seq: int
    at: datetime
    type: str
    node_id: str | None
    message: str
    level: str


@dataclass(frozen=True, slots=True)
class WaitingView:
    """A step that waits for a person; ``node_id`` is its key.

    Of an effect that may have happened ``asked`` is what was about to be sent, and ``goes_on`` where the flow goes on
    from its failure, None where that fails the run. ``told`` is what a question to people said: its ``title``, what it
    shows, the schema of its form, who decides. ``decided`` is what a person has said meanwhile. ``id`` names the
    question; it is another one where it is asked again. ``approved`` are those who have approved of a call that waits
    for one more to do so, with their ids.
    """

    node_id: str
    reason: str
    message: str
    since: datetime
    until: datetime | None
    told: JsonObject
    asked: JsonObject
    goes_on: str | None
    decided: Mapping[str, str] | None
    id: str = ""
    approved: Mapping[str, str] = field(default_factory=dict)

    @property
    def call(self) -> JsonObject | None:
        """What will happen once it is approved; None of a question that a flow asks."""
        call = self.told.get("call")
        return call if isinstance(call, Mapping) else None

    @property
    def hash(self) -> str:
        """What an approval of its call is bound to."""
        return str(self.told.get("hash") or "")

    @property
    def people(self) -> int:
        """How many people have to approve."""
        return people_of(self.told)

    @property
    def is_question(self) -> bool:
        """Whether people are asked to approve of something."""
        return self.reason == APPROVAL

    @property
    def title(self) -> str:
        """The question, in a line."""
        return str(self.told.get("title") or "")

    @property
    def show(self) -> JsonValue:
        """What people see to decide by."""
        return self.told.get("show")

    @property
    def form(self) -> JsonObject | None:
        """The schema of what they fill in; None where nothing is asked."""
        return form_of(self.told)

    @property
    def deciders(self) -> Sequence[str]:
        """Who decides, by role or address; empty where whoever may step in."""
        return deciders_of(self.told)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What somebody decided about a step that waited; of a call its ``hash``, and what they said and changed."""

    node_id: str
    by: str
    decision: str
    at: datetime
    form: JsonValue = None
    hash: str = ""
    note: str = ""
    for_run: bool = False
    arguments: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as the page's first paint; the live stream goes on from ``last_seq``."""

    id: UUID
    status: str
    nodes: Sequence[NodeView]
    entries: Sequence[EntryView]
    last_seq: int
    input: JsonValue = None
    output: JsonValue = None
    citations: Sequence[JsonValue] = ()
    error: JsonObject = field(default_factory=dict)
    waiting: Sequence[WaitingView] = ()
    decisions: Sequence[DecisionView] = ()
    cancelled_by: str = ""
    paused_by: str = ""
    is_pausing: bool = False
    variables: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in {"succeeded", "failed", "cancelled"}


def fold_run(run: Run, entries: Iterable[Entry]) -> JournalView:
    """Fold a run's journal as its engine does. Raises GraphInvalid, JournalDiverged."""
    return JournalView.of(graph_of(run), entries, input=run.input, read_flow=parse_flow, keeps_lanes=True)


def view_run(run: Run, entries: Sequence[Entry], *, progress: Progress, asked: Asked | None = None) -> RunView:
    """Say what a run's page shows: how far it has come, the lines of its console, what people ``asked`` of it."""
    asked, view = asked or Asked(), progress.view
    if not progress.is_broken:
        # The stream goes on from where the fold stands.
        entries = [entry for entry in entries if entry.seq <= view.last_seq]
    finished = view.finished or {}
    citations, error = finished.get("citations"), finished.get("error")
    return RunView(
        id=run.id,
        status=_status(run, view),
        # Copies: what was lent goes on with the run.
        nodes=[replace(step) for step in progress.own_steps],
        entries=[line_of(entry) for entry in entries],
        last_seq=entries[-1].seq if entries else 0,
        input=run.input,
        output=finished.get("output"),
        citations=citations if isinstance(citations, list) else (),
        error=error if isinstance(error, Mapping) else {},
        waiting=list_waiting_steps(progress, asked),
        decisions=_decisions(entries),
        cancelled_by=asked.cancelled_by,
        paused_by=view.paused_by or "",
        is_pausing=asked.wants_pause(view.taken),
        variables=dict(view.root.variables),
    )


def _status(run: Run, view: JournalView) -> str:
    # The journal is newer than the row by the moment between two reads.
    if view.finished is not None:
        return str(view.finished.get("status"))
    return "waiting" if view.paused_by is not None and not view.open else run.status


def list_waiting_steps(progress: Progress, asked: Asked | None = None) -> list[WaitingView]:
    """List the steps of a run that wait for people, also those in its lanes."""
    if progress.view.finished is not None:
        return []
    said = (asked or Asked()).decisions
    sent = {each["node_id"]: each for message_id, each in said.items() if message_id not in progress.view.taken}
    return [_waits(progress, entry, decided=sent.get(key)) for key, entry in progress.waiting.items()]


@dataclass(frozen=True, slots=True)
class Standing:
    """What keeps a run from going on: steps that wait for people, and whoever paused it."""

    waiting: Sequence[WaitingView] = ()
    paused_by: str | None = None


def read_standing(actor: Actor, run: Run) -> Standing:
    """Return what keeps a run from going on that the actor has access to; one that is over waits for nothing."""
    if run.is_finished:
        return Standing()
    try:
        with folded(actor, run) as progress:
            return Standing(list_waiting_steps(progress), progress.view.paused_by)
    except GraphInvalid:
        # What cannot be folded is ended by its worker; until then its row and its log are what there is to say.
        return Standing()


def view_skeleton(run: Run) -> RunView:
    """Return what is left of a run whose content has gone: how it ended, and its steps in short."""
    steps = [
        NodeView(
            step["node_id"],
            "",
            step["state"],
            started_at=datetime.fromisoformat(step["started_at"]),
            duration_seconds=step["duration_seconds"],
        )
        for step in run.skeleton or ()
    ]
    return RunView(id=run.id, status=run.status, nodes=steps, entries=(), last_seq=run.last_seq)


def line_of(entry: Entry) -> EntryView:
    """Say an entry as a line of the console."""
    line = log_line(entry)
    return EntryView(entry.seq, line.timestamp, entry.type, line.node_id, line.message, line.level)


def said_of(intended: JsonValue) -> JsonObject:
    """Return what an intention tells people."""
    told = intended if isinstance(intended, Mapping) else {}
    return {name: value for name, value in told.items() if name not in _FOR_THE_ENGINE}


def _waits(progress: Progress, entry: Entry, *, decided: Mapping[str, str] | None) -> WaitingView:
    key = str(entry.node_id)
    node = progress.view.at(key)[1]
    trouble = node.on_error
    goes_on = None if trouble is None else trouble.target or ", ".join(way.target for way in node.ways if way.is_open)
    return WaitingView(
        node_id=key,
        reason=said_by(entry, "reason"),
        message=said_by(entry, "message"),
        since=entry.at,
        until=progress.view.alarms.get(key),
        told=entry.data,
        asked=said_of(entry.data.get("intended")),
        goes_on=goes_on,
        decided=decided,
        id=approval_id(progress.run_id, entry.seq),
        approved=_approved(progress.view.answers.get(key)),
    )


def _approved(answer: JsonObject | None) -> Mapping[str, str]:
    if answer is None or not answer.get("is_partial"):
        return {}
    return dict(zip(map(str, listed(answer.get("by_ids"))), map(str, listed(answer.get("by"))), strict=False))


def approval_id(run_id: UUID, seq: int) -> str:
    """Name a question by its run and by where in its journal it is asked."""
    return f"{run_id}.{seq}"


def _decisions(entries: Sequence[Entry]) -> list[DecisionView]:
    given = {entry.node_id: entry.data.get("result") for entry in entries if entry.type == "step.done"}
    return [
        DecisionView(
            str(entry.node_id),
            said_by(entry, "by"),
            said_by(entry, "decision"),
            entry.at,
            _form_in(given, entry),
            hash=said_by(entry, "hash"),
            note=said_by(entry, "note"),
            for_run=entry.data.get("for_run") is True,
            arguments=_edited_in(entry),
        )
        for entry in entries
        if entry.type == "approval.decided"
    ]


def _edited_in(entry: Entry) -> JsonObject | None:
    arguments = entry.data.get("arguments")
    return redact_mapping(arguments) if isinstance(arguments, Mapping) else None


def _form_in(given: Mapping[str | None, JsonValue], entry: Entry) -> JsonValue:
    is_answer = entry.data.get("decision") in ANSWERS and "hash" not in entry.data
    result = given.get(entry.node_id) if is_answer else None
    return result.get("form") if isinstance(result, Mapping) else None
