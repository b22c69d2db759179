# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a journal adds up to: which nodes are done, which may start, which never will. Folded entry by entry."""

from collections.abc import Callable, Collection, Iterable, Mapping

from agents.engine.errors import JournalDiverged
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry, usage_from
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue


class JournalView:
    """The fold of a journal over its graph: the same on any machine, in time that grows with the ways out of a node.

    Each way into a node comes (its source was done and took it) or dies (it was not taken, or its source was skipped).
    ``ready`` are nodes that enough ways have come to; ``dead`` those that no longer can be reached and are to be told
    as skipped; ``open`` are intended by the present holder and not done; ``cut`` were intended by an earlier holder and
    never told as done; ``taken`` are the messages of the inbox that became entries.
    """

    def __init__(self, graph: FlowGraph) -> None:
        self.graph = graph
        self.last_seq = 0
        self.is_accepted = False
        self.results: dict[str, JsonValue] = {}
        self.skipped: set[str] = set()
        self.attempts: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.ready: dict[str, None] = {}
        self.dead: dict[str, None] = {}
        self.open: dict[str, Entry] = {}
        self.cut: dict[str, Entry] = {}
        self.retry_seconds: dict[str, float] = {}
        self.waiting: dict[str, JsonObject] = {}
        self.failure: JsonObject | None = None
        self.cancelled_by: str | None = None
        self.finished: JsonObject | None = None
        self.usage = Usage()
        self.citations: JsonValue = []
        self.noted: set[str] = set()
        self.taken: set[str] = set()
        self._arrived: dict[str, list[str]] = {}
        self._missing = {node_id: len(before) for node_id, before in graph.before.items()}
        self._entered: set[str] = set()

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
        if (message := entry.data.get("inbox")) is not None:
            self.taken.add(str(message))
        # Types that a later version added say nothing to this fold.
        folder = _FOLDS.get(entry.type)
        if folder is not None:
            folder(self, entry)

    def sources_of(self, node_id: str) -> tuple[str, ...]:
        """Return the nodes whose results lead to this one, in the order they came.

        A node that only chooses is looked through: what led to it leads on. Where ``join`` asks for a number, those
        that came later are left out, so that the answer stays the same.
        """
        found: dict[str, None] = {}
        # Each is looked through once: where choices part and meet again, the paths back double at every meeting.
        looked_through: set[str] = set()
        ahead = [node_id]
        while ahead:
            current = ahead.pop()
            if current in looked_through:
                continue
            looked_through.add(current)
            for source in reversed(self._counted(current)):
                if self.graph.nodes[source].kind == "condition":
                    ahead.append(source)
                else:
                    found[source] = None
        return tuple(reversed(found))

    def _counted(self, node_id: str) -> list[str]:
        came = self._arrived.get(node_id, [])
        join = self.graph.nodes[node_id].join
        return came if join == "all" else came[: 1 if join == "any" else join]

    def _accepted(self, entry: Entry) -> None:
        self.is_accepted = True
        self._enter(self.graph.entry)

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
        result = entry.data.get("result")
        self._give(entry, node_id, result)
        if isinstance(result, Mapping) and result.get("citations"):
            self.citations = result["citations"]

    def _give(self, entry: Entry, node_id: str, result: JsonValue) -> None:
        if node_id in self.results:
            raise JournalDiverged(f"Entry {entry.seq} finishes step {node_id!r} a second time.")
        self._settle(node_id)
        self.results[node_id] = result
        self.usage += usage_from(entry.data.get("usage"))
        node = self.graph.nodes[node_id]
        taken = entry.data.get("next")
        chosen: Collection[JsonValue] = (
            taken if isinstance(taken, list | tuple) else [way.target for way in node.ways if way.is_open]
        )
        for target in node.targets:
            self._pass_on(target, source=node_id if target in chosen else None)

    def _failed(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        if "result" in entry.data:
            self._give(entry, node_id, entry.data["result"])
            return
        self._settle(node_id)
        self.usage += usage_from(entry.data.get("usage"))
        error = entry.data.get("error")
        if self.failure is None:
            self.failure = {**(error if isinstance(error, Mapping) else {}), "node_id": node_id}

    def _skipped(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        if node_id in self.open:
            self.usage += usage_from(self.open[node_id].data.get("estimate"))
        self._settle(node_id)
        self.skipped.add(node_id)
        for target in self.graph.nodes[node_id].targets:
            self._pass_on(target, source=None)

    def _pass_on(self, target: str, *, source: str | None) -> None:
        """Let one way into ``target`` come, or die where there is no source."""
        self._missing[target] -= 1
        if source is not None:
            self._arrived.setdefault(target, []).append(source)
        if target in self._entered:
            return
        came, join = len(self._arrived.get(target, ())), self.graph.nodes[target].join
        needed = 1 if join in ("any", "all") else int(join)
        if came >= needed and (join != "all" or self._missing[target] == 0):
            self._enter(target)
        elif self._missing[target] == 0:
            self._entered.add(target)
            self.dead[target] = None

    def _enter(self, node_id: str) -> None:
        self._entered.add(node_id)
        self.ready[node_id] = None

    def _retry(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        self._settle(node_id)
        self.attempts[node_id] = entry.attempt
        self.usage += usage_from(entry.data.get("usage"))
        after = entry.data.get("after_seconds")
        self.retry_seconds[node_id] = float(after) if isinstance(after, int | float) else 0.0
        self.ready[node_id] = None

    def _waits(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        self.ready.pop(node_id, None)
        self.open.pop(node_id, None)
        self.waiting[node_id] = entry.data

    def _decided(self, entry: Entry) -> None:
        node_id = self._node_of(entry)
        self._settle(node_id)
        # Whoever decides to do it again has looked outside: that is another effect, under another key.
        self.groups[node_id] = self.groups.get(node_id, 0) + 1
        self.ready[node_id] = None

    def _noted(self, entry: Entry) -> None:
        self.noted.add(str(entry.data.get("message")))
        if (by := entry.data.get("cancelled_by")) is not None:
            self.cancelled_by = str(by)

    def _finished(self, entry: Entry) -> None:
        self.finished = entry.data

    def _settle(self, node_id: str) -> None:
        self.ready.pop(node_id, None)
        self.dead.pop(node_id, None)
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
    "step.skipped": JournalView._skipped,
    "step.retry": JournalView._retry,
    "run.waiting": JournalView._waits,
    "approval.decided": JournalView._decided,
    "note": JournalView._noted,
    "run.finished": JournalView._finished,
}
