# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Another drawing of a flow held against what a run of it did: which steps did what they would do now."""

import json

from agents.engine.graph import CHOOSING, FlowGraph, Node, logic_of
from agents.engine.lanes import Lane


class Redrawing:
    """Tells of each step of the run what has become of its node."""

    def __init__(self, graph: FlowGraph) -> None:
        self._graph = graph
        self._twins: dict[str, FlowGraph | None] = {}

    def is_same(self, lane: Lane, node: Node) -> bool:
        """Whether a node would still do what it did, after the same ones; what it leads to may differ."""
        twin = self._twin_of(lane)
        now = None if twin is None else twin.nodes.get(node.id)
        if twin is None or now is None or set(twin.before[node.id]) != set(lane.graph.before[node.id]):
            return False
        return _work_of(now) == _work_of(node) and (node.kind not in CHOOSING or logic_of(now) == logic_of(node))

    def has_other_ways(self, lane: Lane, node: Node) -> bool:
        """Whether what follows from a result of the node is to be worked out anew."""
        twin = self._twin_of(lane)
        now = None if twin is None else twin.nodes.get(node.id)
        return now is not None and (now.ways, now.on_error, dict(now.sets)) != (
            node.ways,
            node.on_error,
            dict(node.sets),
        )

    def has_other_variables(self, lane: Lane) -> bool:
        """Whether the variables that a lane reads begin otherwise."""
        twin = self._twin_of(lane.home)
        return twin is None or dict(twin.variables) != dict(lane.home.graph.variables)

    def _twin_of(self, lane: Lane) -> FlowGraph | None:
        """Return the graph that is now done where this lane was."""
        if lane.owner is None:
            return self._graph
        around = self._twin_of(lane.owner.lane)
        # What some nodes do depends on what a lane begins with.
        index = lane.index if lane.owner.node.rounds is not None else ""
        place = f"{lane.owner.lane.path}\n{lane.owner.node.id}\n{index}"
        if lane.flow is not None:
            # The node wrote it itself; where it would write another one, it is not the same any more.
            return None if around is None else lane.graph
        if place not in self._twins:
            now = None if around is None else around.nodes.get(lane.owner.node.id)
            self._twins[place] = None if now is None else now.graph_for(lane.input)
        return self._twins[place]


def _work_of(node: Node) -> str:
    """Say what a node does, apart from where it leads, how long it may take, and its body: steps of their own."""
    said = [node.kind, dict(node.settings), node.join, node.body is None]
    return json.dumps(said, sort_keys=True, default=dict)
