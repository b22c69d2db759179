# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lanes: the run itself, and every doing of a body inside it: of a map's item, a loop's round, a sub-flow.

A step is named by its key: the id of its node, and inside a lane the way there, as in ``each[3]/draft``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from agents.engine.graph import FlowGraph, Node
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_LANES = 10_000
"""How many lanes one node may hold: items of a map, rounds of a loop."""


def parted(key: str) -> tuple[str, str]:
    """Part a step's key into the path of its lane and the id of its node. No id holds what parts the two."""
    path, mark, node_id = key.rpartition(LANE_END)
    return (f"{path}]", node_id) if mark else ("", key)


LANE_END = "]/"
"""What parts a lane's path from the id of a node in it."""


class Lane:
    """One doing of a graph: which ways have come, which nodes are done, and what they gave.

    ``path`` is empty for the run itself; of others it is the key of the node that holds it with ``index``.
    ``flow`` is the document of its graph where the run wrote it itself.
    """

    def __init__(
        self,
        graph: FlowGraph,
        *,
        path: str = "",
        owner: "Held | None" = None,
        index: int = 0,
        input: JsonValue = None,
        flow: JsonValue = None,
    ) -> None:
        self.graph = graph
        self.path = path
        self.owner = owner
        self.index = index
        self.input = input
        self.flow = flow
        self.outer: Lane | None = None if owner is None else owner.lane
        self.is_over = False
        self.is_begun = False
        self.results: dict[str, JsonValue] = {}
        self.skipped: set[str] = set()
        self.entered: set[str] = set()
        self.arrived: dict[str, list[str]] = {}
        self.missing = {node_id: len(before) for node_id, before in graph.before.items()}
        # Where its variables are kept: a flow of its own has its own, a body shares those of the flow around it.
        self.home: Lane = self if graph.is_closed or self.outer is None else self.outer.home
        self.variables: dict[str, JsonValue] = {name: each.first for name, each in graph.variables.items()}
        # Where text of strangers came from: what the run began with, and by their names results and variables.
        self.input_labels: frozenset[str] = frozenset()
        self.labels: dict[str, frozenset[str]] = {}
        self.variable_labels: dict[str, frozenset[str]] = {}

    @property
    def gathered(self) -> dict[str, JsonValue]:
        """What its nodes gave so far, what it began with included, by their ids."""
        return dict(self.results)

    def key(self, node_id: str) -> str:
        """Name the step of one of its nodes."""
        return f"{self.path}/{node_id}" if self.path else node_id

    @property
    def is_root(self) -> bool:
        """Whether it is the run itself."""
        return self.owner is None

    @property
    def given(self) -> JsonValue:
        """What it began with, with its defaults once its entry is done."""
        return self.results.get(self.graph.entry, self.input)

    @property
    def given_labels(self) -> frozenset[str]:
        """The labels of what it began with."""
        return self.labels.get(self.graph.entry, self.input_labels)

    @property
    def names(self) -> JsonObject:
        """What its templates may read beside results: the item and its index, or the round and the last result."""
        if self.owner is None or self.graph.is_closed:
            return {}
        if self.owner.node.kind == "map":
            return {"item": self.given, "index": self.index}
        return {"round": self.index + 1, "last": self.given}

    def outward(self) -> "Iterator[Lane]":
        """Walk from here to the lanes whose results may be read here as well."""
        lane: Lane | None = self
        while lane is not None:
            yield lane
            lane = None if lane.graph.is_closed else lane.outer

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
        came = self.arrived.get(node_id, [])
        join = self.graph.nodes[node_id].join
        return came if join == "all" else came[: 1 if join == "any" else join]


@dataclass(slots=True, eq=False)
class Held:
    """A node that holds lanes, from its intention to its end: how many there will be, and what those gave that ended.

    ``count`` is None where only each lane's end tells whether another follows; ``parallel`` may be open at a time.
    ``usage`` is what was spent in its lanes, ``steps`` how many were done there. ``at_hand`` is what was worked out of
    lanes that ended; it can be again.
    """

    key: str
    node: Node
    lane: Lane
    data: JsonObject
    since: datetime
    count: int | None
    parallel: int
    next_index: int = 0
    open: dict[int, Lane] = field(default_factory=dict)
    results: dict[int, JsonValue] = field(default_factory=dict)
    failure: JsonObject | None = None
    usage: Usage = field(default_factory=Usage)
    steps: int = 0
    at_hand: dict[int, object] = field(default_factory=dict, repr=False)
    result_labels: frozenset[str] = frozenset()

    @property
    def is_in_turn(self) -> bool:
        """Whether it has something to do now: to open a lane, or to come to its end."""
        if not self.open:
            return True
        return self.count is not None and self.next_index < self.count and len(self.open) < self.parallel

    @property
    def room(self) -> int:
        """How many lanes it may open now."""
        most = self.parallel - len(self.open)
        return most if self.count is None else min(most, self.count - self.next_index)

    @property
    def last(self) -> JsonValue:
        """What the newest lane that ended gave; None before the first."""
        return self.results.get(self.next_index - 1)

    @property
    def collected(self) -> list[JsonValue]:
        """What the lanes gave, in their order."""
        return [self.results.get(index) for index in range(self.next_index)]

    def path_of(self, index: int) -> str:
        """Name one of its lanes."""
        return f"{self.key}[{index}]"
