# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What depends on a step of a run that has ended: what comes behind it in its lane, and around that lane."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from agents.engine.graph import FlowGraph, Node
from agents.engine.journal import Entry
from agents.engine.lanes import Lane, parted
from agents.engine.view import JournalView

ENDS = frozenset({"step.done", "step.failed"})

_READS_STATE = re.compile(r"\bstate\b")


class Dropped:
    """The steps of a run that are not taken over into another: closed under what depends on them."""

    def __init__(self, was: JournalView) -> None:
        self._was = was
        self._steps: set[str] = set()
        self._ends: set[str] = set()
        self._last_lanes: dict[str, int] = {}

    def add(self, key: str) -> None:
        """Drop a step with all that depends on it. Raises JournalDiverged where there is none of that key."""
        lane, node = self._was.at(key)
        # What a lane begins with follows from outside of it.
        if node.id != lane.graph.entry or lane.is_root:
            self._steps.add(key)
        self._add_behind(lane, node)

    def add_behind(self, key: str) -> None:
        """Drop all that depends on a step, and what it holds, but not itself."""
        self._steps.add(key)
        self._add_behind(*self._was.at(key))

    def has(self, entry: Entry) -> bool:
        """Whether an entry of a step is dropped."""
        key = str(entry.node_id)
        if key in self._steps or (key in self._ends and entry.type in ENDS):
            return True
        return any(
            holder in self._steps or index > self._last_lanes.get(holder, index)
            for holder, index in holders_of(key, graph=self._was.graph)
        )

    def add_readers(self, entries: Sequence[Entry]) -> None:
        """Drop as well what has read variables that a dropped step had set before."""
        is_growing = True
        while is_growing:
            is_growing = False
            homes: set[str] = set()
            for entry in entries:
                if entry.node_id is None or entry.type not in ENDS:
                    continue
                lane, node = self._was.at(entry.node_id)
                if self.has(entry):
                    homes |= {lane.home.path} if node.sets else set()
                elif lane.home.path in homes and reads_state(node):
                    self.add(entry.node_id)
                    is_growing = True

    def _add_behind(self, lane: Lane, node: Node) -> None:
        self._steps.update(lane.key(target) for target in _reachable(lane.graph, node.id))
        owner = lane.owner
        if owner is None:
            return
        self._ends.add(owner.key)
        if owner.node.kind != "map":
            # One lane goes on from what the last one gave.
            self._last_lanes[owner.key] = min(self._last_lanes.get(owner.key, lane.index), lane.index)
        self._add_behind(owner.lane, owner.node)


def holders_of(key: str, *, graph: FlowGraph) -> Iterator[tuple[str, int]]:
    """Walk outward from a step: the keys of the nodes around it that hold lanes, each with the index of the lane."""
    while key not in graph.nodes and "/" in key:
        key, _, index = parted(key)[0].removesuffix("]").rpartition("[")
        yield key, int(index) if index.isdecimal() else 0


def reads_state(node: Node) -> bool:
    """Whether anything that a node says may read the run's variables; a doubt is yes."""
    said = [node.settings, dict(node.sets), [way.when for way in node.ways]]
    return _READS_STATE.search(json.dumps(said, default=dict)) is not None


def _reachable(graph: FlowGraph, node_id: str) -> set[str]:
    found: set[str] = set()
    ahead = list(graph.nodes[node_id].targets)
    while ahead:
        current = ahead.pop()
        if current not in found:
            found.add(current)
            ahead.extend(graph.nodes[current].targets)
    return found


def is_recovered(key: str, *, ends: Mapping[str, Entry], graph: FlowGraph) -> bool:
    """Whether the flow dealt with a step's failure: by its own means, or those of a node around it."""
    around = [key, *(holder for holder, _ in holders_of(key, graph=graph))]
    return any(each in ends and _gave(ends[each]) for each in around)


def _gave(entry: Entry) -> bool:
    return entry.type == "step.done" or "result" in entry.data
