# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run as a page shows it: its nodes with what each did so far, and its journal as lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.engine.documents import parse_flow
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry, usage_from
from agents.engine.logs import log_line
from agents.engine.order import in_order
from agents.engine.view import JournalView
from agents.models import Run
from agents.queries.interventions import Asked
from agents.queries.runs import graph_of
from codexos.kernel.jsontypes import JsonObject, JsonValue

_STATES = {
    "step.intended": "running",
    "step.retry": "running",
    "step.done": "succeeded",
    "step.failed": "failed",
    "step.skipped": "skipped",
    "run.waiting": "waiting",
    "approval.decided": "running",
}
_ENDS = frozenset({"step.done", "step.failed"})
# What an intention says to the engine alone.
_FOR_THE_ENGINE = frozenset({"may_repeat", "estimate"})


@dataclass(slots=True)
class NodeView:
    """One node's line in the timeline.

    ``reason`` is why it was skipped; ``is_recovered``: it failed, and the flow dealt with that; ``is_kept``: what it
    gave was taken over from the run that this one goes on from, and it cost nothing here.
    """

    id: str
    kind: str
    state: str = "queued"
    started_at: datetime | None = None
    duration_seconds: float | None = None
    tokens: int | None = None
    cost: float | None = None
    tries: int = 0
    reason: str = ""
    is_recovered: bool = False
    is_kept: bool = False


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
    """A step that waits for a person. ``asked`` is what was about to be sent; ``goes_on`` is where the flow goes on
    from its failure, None where that fails the run; ``decided`` what a person has said meanwhile.
    """

    node_id: str
    reason: str
    message: str
    asked: JsonObject
    goes_on: str | None
    decided: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What somebody decided about a step that waited."""

    node_id: str
    by: str
    decision: str


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

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in {"succeeded", "failed", "cancelled"}


def fold_run(run: Run, entries: Iterable[Entry]) -> JournalView:
    """Fold a run's journal as its engine does. Raises GraphInvalid, JournalDiverged."""
    return JournalView.of(graph_of(run), entries, input=run.input, read_flow=parse_flow, keeps_lanes=True)


def view_run(run: Run, entries: Sequence[Entry], asked: Asked | None = None) -> RunView:
    """Fold a run's journal into what its page shows, with what people ``asked`` of it."""
    graph, asked = graph_of(run), asked or Asked()
    finished = entries[-1].data if entries and entries[-1].type == "run.finished" else {}
    citations, error = finished.get("citations"), finished.get("error")
    return RunView(
        id=run.id,
        # The journal is newer than the row by the moment between two reads.
        status=str(finished.get("status") or run.status),
        nodes=_nodes(graph, entries, is_over=bool(finished)),
        entries=[line_of(entry) for entry in entries],
        last_seq=entries[-1].seq if entries else 0,
        input=run.input,
        output=finished.get("output"),
        citations=citations if isinstance(citations, list) else (),
        error=error if isinstance(error, Mapping) else {},
        waiting=[] if finished else _waiting(graph, entries, asked),
        decisions=_decisions(entries),
        cancelled_by=asked.cancelled_by,
    )


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


def _nodes(graph: FlowGraph, entries: Sequence[Entry], *, is_over: bool) -> list[NodeView]:
    nodes = {node_id: NodeView(node_id, graph.nodes[node_id].kind) for node_id in in_order(graph)}
    for entry in entries:
        if entry.node_id in nodes and entry.type in _STATES:
            _show(nodes[entry.node_id], entry)
    for node in nodes.values():
        if is_over and node.state not in {"succeeded", "failed", "skipped"}:
            node.state, node.reason = "skipped", "ended"
    return list(nodes.values())


def _show(node: NodeView, entry: Entry) -> None:
    node.state = _STATES[entry.type]
    node.tries += entry.type == "step.intended"
    if entry.type == "step.skipped":
        node.reason = str(entry.data.get("reason") or "")
        if node.started_at is None:
            return
    if node.started_at is None:
        node.started_at = entry.at
    if entry.type in _ENDS or entry.type == "step.skipped":
        node.duration_seconds = (entry.at - node.started_at).total_seconds()
        node.is_recovered = entry.type == "step.failed" and "result" in entry.data
    node.is_kept = entry.is_kept
    if "usage" in entry.data and not entry.is_kept:
        usage = usage_from(entry.data["usage"])
        node.tokens = (node.tokens or 0) + usage.input_tokens + usage.output_tokens
        node.cost = (node.cost or 0.0) + float(usage.cost_usd)


def _waiting(graph: FlowGraph, entries: Sequence[Entry], asked: Asked) -> list[WaitingView]:
    """Say which steps wait: told to, and not heard of since."""
    told: dict[str, Entry] = {}
    for entry in entries:
        if entry.type == "run.waiting" and entry.node_id in graph.nodes:
            told[str(entry.node_id)] = entry
        elif entry.node_id is not None:
            told.pop(entry.node_id, None)
    taken = {str(entry.data.get("inbox")) for entry in entries if "inbox" in entry.data}
    sent = {said["node_id"]: said for message_id, said in asked.decisions.items() if message_id not in taken}
    return [_waits(graph, entry, sent.get(node_id)) for node_id, entry in told.items()]


def _waits(graph: FlowGraph, entry: Entry, decided: Mapping[str, str] | None) -> WaitingView:
    node = graph.nodes[str(entry.node_id)]
    trouble = node.on_error
    goes_on = None if trouble is None else trouble.target or ", ".join(way.target for way in node.ways if way.is_open)
    return WaitingView(
        node_id=node.id,
        reason=str(entry.data.get("reason") or ""),
        message=str(entry.data.get("message") or ""),
        asked=said_of(entry.data.get("intended")),
        goes_on=goes_on,
        decided=decided,
    )


def _decisions(entries: Sequence[Entry]) -> list[DecisionView]:
    return [
        DecisionView(str(entry.node_id), str(entry.data.get("by")), str(entry.data.get("decision")))
        for entry in entries
        if entry.type == "approval.decided"
    ]
