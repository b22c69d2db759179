# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Entries, and what they add up to. The journal is the run: everything else is folded from it, entry by entry."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from agents.engine.errors import JournalDiverged
from agents.engine.graph import FlowGraph
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

EntryType = Literal[
    "run.accepted",
    "run.started",
    "step.intended",
    "step.done",
    "step.failed",
    "step.retry",
    "step.skipped",
    "run.waiting",
    "approval.decided",
    "note",
    "run.finished",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One durable fact about a run, which is also the event people see. ``seq`` is dense from 1 in each run."""

    seq: int
    type: EntryType
    at: datetime
    node_id: str | None
    attempt: int
    epoch: int
    data: JsonObject


def encode_data(data: JsonObject) -> bytes:
    """Write an entry's data as the bytes a journal keeps; half a surrogate pair becomes ``?``."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=dict).encode("utf-8", "replace")


def decode_data(written: bytes) -> JsonObject:
    """Read back what ``encode_data`` wrote. Raises JournalDiverged where the bytes are not an object."""
    try:
        data = json.loads(written)
    except ValueError as error:
        raise JournalDiverged("An entry of the journal cannot be read. Restore it from a backup.") from error
    if not isinstance(data, dict):
        raise JournalDiverged("An entry of the journal is not an object. Restore it from a backup.")
    return data


def idempotency_key(run_id: UUID, node_id: str, *, iteration: int = 0, group: int = 0) -> str:
    """Name one outside effect: the same for every attempt at it, fit for an ``Idempotency-Key`` header."""
    place = json.dumps([node_id, iteration, group]).encode()
    return f"{run_id}-{hashlib.sha256(place).hexdigest()[:16]}"


def usage_data(usage: Usage) -> JsonObject:
    """Say usage as it goes over the wire."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": float(usage.cost_usd) if usage.cost_usd else 0,
    }


def usage_from(data: JsonValue) -> Usage:
    """Read usage from an entry's data; nothing where there is none."""
    if not isinstance(data, Mapping):
        return Usage()
    tokens_in, tokens_out, cost = (data.get(name) for name in ("input_tokens", "output_tokens", "cost_usd"))
    return Usage(
        tokens_in if isinstance(tokens_in, int) else 0,
        tokens_out if isinstance(tokens_out, int) else 0,
        Decimal(str(cost)) if isinstance(cost, int | float | str) else Decimal(0),
    )


def usage_of(entries: Iterable[Entry]) -> Usage:
    """Add up what a journal's steps cost, without its graph: those cut off count as they were estimated."""
    spent, cut = Usage(), dict[str | None, Usage]()
    for entry in entries:
        if entry.type == "step.intended":
            spent += cut.pop(entry.node_id, Usage())
            cut[entry.node_id] = usage_from(entry.data.get("estimate"))
        elif entry.type in {"step.done", "step.failed", "step.retry"}:
            cut.pop(entry.node_id, None)
            spent += usage_from(entry.data.get("usage"))
    return sum(cut.values(), spent)


class JournalView:
    """The fold of a journal over its graph: O(1) for each entry, the same on any machine.

    ``ready`` are nodes whose every predecessor is done; ``open`` are intended by the present holder and not done;
    ``cut`` were intended by an earlier holder and never told as done.
    """

    def __init__(self, graph: FlowGraph) -> None:
        self.graph = graph
        self.last_seq = 0
        self.is_accepted = False
        self.results: dict[str, JsonValue] = {}
        self.attempts: dict[str, int] = {}
        self.ready: dict[str, None] = {}
        self.open: dict[str, Entry] = {}
        self.cut: dict[str, Entry] = {}
        self.retry_seconds: dict[str, float] = {}
        self.waiting: dict[str, JsonObject] = {}
        self.failure: JsonObject | None = None
        self.finished: JsonObject | None = None
        self.usage = Usage()
        self.citations: JsonValue = []
        self.noted: set[str] = set()
        self._missing = {node_id: len(before) for node_id, before in graph.before.items()}

    @classmethod
    def of(cls, graph: FlowGraph, entries: Iterable[Entry]) -> "JournalView":
        """Fold a whole journal. Raises JournalDiverged."""
        view = cls(graph)
        for entry in entries:
            view.fold(entry)
        return view

    def fold(self, entry: Entry) -> None:
        """Take in the next entry. Raises JournalDiverged where it cannot follow the ones before."""
        if entry.seq != self.last_seq + 1:
            raise JournalDiverged(
                f"Entry {entry.seq} follows entry {self.last_seq}. Restore the journal from a backup."
            )
        if entry.node_id is not None and entry.node_id not in self.graph.nodes:
            raise JournalDiverged(f"Entry {entry.seq} names {entry.node_id!r}, which the flow does not have.")
        if self.finished is not None:
            raise JournalDiverged(f"Entry {entry.seq} comes after the run was finished.")
        self.last_seq = entry.seq
        # Types that a later version added say nothing to this fold.
        folder = _FOLDS.get(entry.type)
        if folder is not None:
            folder(self, entry)

    def _accepted(self, entry: Entry) -> None:
        self.is_accepted = True
        self.ready[self.graph.entry] = None

    def _started(self, entry: Entry) -> None:
        # A new holder begins: what the last one left open was cut, and what it may have cost is counted.
        for node_id, intended in self.open.items():
            self.cut[node_id] = intended
            self.usage += usage_from(intended.data.get("estimate"))
        self.open.clear()

    def _intended(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        if node_id in self.results or node_id in self.open:
            raise JournalDiverged(f"Entry {entry.seq} intends step {node_id!r} a second time.")
        self._settle(node_id)
        self.attempts[node_id] = entry.attempt
        self.open[node_id] = entry

    def _done(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        if node_id in self.results:
            raise JournalDiverged(f"Entry {entry.seq} finishes step {node_id!r} a second time.")
        self._settle(node_id)
        result = entry.data.get("result")
        self.results[node_id] = result
        self.usage += usage_from(entry.data.get("usage"))
        if isinstance(result, Mapping) and result.get("citations"):
            self.citations = result["citations"]
        for target in self.graph.nodes[node_id].targets:
            self._missing[target] -= 1
            if self._missing[target] == 0:
                self.ready[target] = None

    def _failed(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        self._settle(node_id)
        error = entry.data.get("error")
        self.failure = {**(error if isinstance(error, Mapping) else {}), "node_id": node_id}

    def _retry(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        self._settle(node_id)
        self.attempts[node_id] = entry.attempt
        after = entry.data.get("after_seconds")
        self.retry_seconds[node_id] = float(after) if isinstance(after, int | float) else 0.0
        self.ready[node_id] = None

    def _waits(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        self.ready.pop(node_id, None)
        self.open.pop(node_id, None)
        self.waiting[node_id] = entry.data

    def _noted(self, entry: Entry) -> None:
        self.noted.add(str(entry.data.get("message")))

    def _finished(self, entry: Entry) -> None:
        self.finished = entry.data

    def _settle(self, node_id: str) -> None:
        self.ready.pop(node_id, None)
        self.open.pop(node_id, None)
        self.cut.pop(node_id, None)
        self.waiting.pop(node_id, None)
        self.retry_seconds.pop(node_id, None)

    def _node_of(self, entry: Entry) -> str:
        if entry.node_id is None:
            raise JournalDiverged(f"Entry {entry.seq} ({entry.type}) names no step.")
        return entry.node_id


_FOLDS: dict[str, Callable[[JournalView, Entry], None]] = {
    "run.accepted": JournalView._accepted,
    "run.started": JournalView._started,
    "step.intended": JournalView._intended,
    "step.done": JournalView._done,
    "step.failed": JournalView._failed,
    "step.retry": JournalView._retry,
    "run.waiting": JournalView._waits,
    "note": JournalView._noted,
    "run.finished": JournalView._finished,
}
