# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run as a page shows it: its nodes with what each did so far, and its journal as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.engine.documents import parse_flow
from agents.engine.expressions import text_of
from agents.engine.journal import Entry, usage_from
from agents.engine.logs import log_line
from agents.engine.view import JournalView
from agents.models import Run
from codexos.kernel.jsontypes import JsonObject, JsonValue

_STATES = {
    "step.intended": "running",
    "step.retry": "running",
    "step.done": "succeeded",
    "step.failed": "failed",
    "step.skipped": "skipped",
    "run.waiting": "waiting",
}


@dataclass(slots=True)
class NodeView:
    """One node's line in the timeline."""

    id: str
    kind: str
    state: str = "queued"
    started_at: datetime | None = None
    duration_seconds: float | None = None
    tokens: int | None = None
    cost: float | None = None


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
class RunView:
    """A run as the page's first paint; the live stream goes on from ``last_seq``."""

    id: UUID
    status: str
    nodes: Sequence[NodeView]
    entries: Sequence[EntryView]
    last_seq: int
    input_text: str = ""
    output_text: str | None = None
    citations: Sequence[JsonValue] = ()
    error: JsonObject = field(default_factory=dict)


def fold_run(run: Run, entries: Sequence[Entry]) -> JournalView:
    """Fold a run's journal as its engine does. Raises GraphInvalid, JournalDiverged."""
    return JournalView.of(parse_flow(run.document), entries)


def view_run(run: Run, entries: Sequence[Entry]) -> RunView:
    """Fold a run's journal into what its page shows."""
    nodes = {node.id: NodeView(node.id, node.kind) for node in parse_flow(run.document).nodes.values()}
    for entry in entries:
        if entry.node_id in nodes and entry.type in _STATES:
            _show(nodes[entry.node_id], entry)
    finished = entries[-1].data if entries and entries[-1].type == "run.finished" else {}
    citations, error = finished.get("citations"), finished.get("error")
    return RunView(
        id=run.id,
        # The journal is newer than the row by the moment between two reads.
        status=str(finished.get("status") or run.status),
        nodes=list(nodes.values()),
        entries=[_line(entry) for entry in entries],
        last_seq=entries[-1].seq if entries else 0,
        input_text=text_of(run.input),
        output_text=text_of(finished["output"]) if finished.get("status") == "succeeded" else None,
        citations=citations if isinstance(citations, list) else (),
        error=error if isinstance(error, Mapping) else {},
    )


def _show(node: NodeView, entry: Entry) -> None:
    node.state = _STATES[entry.type]
    if node.started_at is None:
        node.started_at = entry.at
    if entry.type in {"step.done", "step.failed"}:
        node.duration_seconds = (entry.at - node.started_at).total_seconds()
        usage = usage_from(entry.data.get("usage"))
        if "usage" in entry.data:
            node.tokens = (node.tokens or 0) + usage.input_tokens + usage.output_tokens
            node.cost = (node.cost or 0.0) + float(usage.cost_usd)


def _line(entry: Entry) -> EntryView:
    line = log_line(entry)
    return EntryView(entry.seq, line.timestamp, entry.type, line.node_id, line.message, line.level)
