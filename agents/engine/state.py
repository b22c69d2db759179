# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where a run stands: its steps, its lanes, and what each of them waits for."""

from collections.abc import Callable, Mapping
from datetime import datetime

from agents.engine.errors import JournalDiverged
from agents.engine.graph import FlowGraph, Node
from agents.engine.journal import Entry
from agents.engine.lanes import Held, Lane, parted
from agents.engine.variables import reduced
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

ReadFlow = Callable[[JsonValue], FlowGraph]


class RunState:
    """What a run has come to; it changes only by the entries that ``view`` folds into it.

    Everything here goes by the keys of steps, see ``lanes``. ``ready`` are steps that enough ways have come to, those
    that are ``resting`` only from then on; ``dead`` those that no longer can be reached and are to be told as skipped;
    ``open`` are intended by the present holder and not done; ``cut`` were intended by an earlier holder and never told
    as done; of these ``unsure`` are all that may have happened, whatever became of their lanes; ``held`` are nodes that
    hold lanes, those in ``turns`` have something to do; ``alarms`` say when waiting or holding has lasted long enough;
    ``taken`` are the messages of the inbox that became entries. ``answers`` are what people said last about calls of
    tools that wait to be made or that they let through, ``edits`` the arguments they gave them instead, and ``grants``
    the calls they let through for the rest of the run. ``is_labeled`` once anything was made of text of strangers,
    and ``file_labels`` where it came from that any of the workspace's files was made of.

    ``read_flow`` reads the flows that a run wrote for itself. With ``keeps_lanes`` none is forgotten.
    """

    def __init__(
        self,
        graph: FlowGraph,
        *,
        input: JsonValue = None,
        read_flow: ReadFlow | None = None,
        keeps_lanes: bool = False,
    ) -> None:
        self.graph = graph
        self.root = Lane(graph, input=input)
        self.lanes: dict[str, Lane] = {"": self.root}
        self.last_seq = 0
        self.is_accepted = False
        self.accepted_at: datetime | None = None
        self.steps = 0
        self.attempts: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.groups: dict[str, int] = {}
        self.ready: dict[str, None] = {}
        self.resting: dict[str, datetime] = {}
        self.dead: dict[str, None] = {}
        self.open: dict[str, Entry] = {}
        self.cut: dict[str, Entry] = {}
        self.unsure: dict[str, Entry] = {}
        self.waiting: dict[str, JsonObject] = {}
        self.alarms: dict[str, datetime] = {}
        self.held: dict[str, Held] = {}
        self.turns: dict[str, None] = {}
        self.failure: JsonObject | None = None
        self.cancelled_by: str | None = None
        self.replaced_by: str | None = None
        self.paused_by: str | None = None
        self.finished: JsonObject | None = None
        self.usage = Usage()
        self.citations: JsonValue = []
        self.noted: set[str] = set()
        self.taken: set[str] = set()
        self.answers: dict[str, JsonObject] = {}
        self.edits: dict[str, list[JsonValue]] = {}
        self.grants: list[JsonObject] = []
        self.is_labeled = False
        self.file_labels: set[str] = set()
        self._read_flow = read_flow
        self._keeps_lanes = keeps_lanes
        self._ending: dict[str, Lane] = {}
        self._failing: dict[str, Held] = {}

    @property
    def results(self) -> dict[str, JsonValue]:
        """What the nodes of the run's own graph gave."""
        return self.root.results

    @property
    def skipped(self) -> set[str]:
        """The nodes of the run's own graph that were left out."""
        return self.root.skipped

    def at(self, key: str) -> tuple[Lane, Node]:
        """Return the lane and the node of a step. Raises JournalDiverged where there is none."""
        if key in self.graph.nodes:
            return self.root, self.graph.nodes[key]
        path, node_id = parted(key)
        lane = self.lanes.get(path)
        if lane is None or node_id not in lane.graph.nodes:
            raise JournalDiverged(f"The journal names step {key!r}, which the flow does not have.")
        return lane, lane.graph.nodes[node_id]

    def lane_of(self, held: Held, index: int, *, input: JsonValue, flow: JsonValue = None) -> Lane:
        """Make the lane that a node is about to open; it counts once its entry is done. Raises JournalDiverged."""
        graph = held.node.graph_for(input) if flow is None else self.read_flow(flow)
        if graph is None:
            raise JournalDiverged(f"Step {held.key!r} opens a lane, and there is no flow to do in it.")
        lane = Lane(graph, path=held.path_of(index), owner=held, index=index, input=input, flow=flow)
        self.lanes[lane.path] = lane
        return lane

    def read_flow(self, document: JsonValue) -> FlowGraph:
        """Read a flow that the run wrote for itself. Raises GraphInvalid, JournalDiverged."""
        if self._read_flow is None:
            raise JournalDiverged("The journal holds a flow of its own, and nobody here reads flows.")
        return self._read_flow(document)

    def recall_ends(self) -> None:
        """Work out again which lanes and nodes are coming to their end, after their state was set."""
        for lane in self.lanes.values():
            if lane.owner is not None and lane.graph.exit in lane.results:
                self._ending[lane.path] = lane
        self._failing.update((key, held) for key, held in self.held.items() if held.failure is not None)

    def sources_of(self, key: str) -> tuple[str, ...]:
        """Return the steps whose results lead to this one, in the order they came."""
        lane, node = self.at(key)
        return tuple(lane.key(source) for source in lane.sources_of(node.id))

    def is_startable(self, key: str) -> bool:
        """Whether a step may still begin."""
        return key in self.ready or key in self.cut

    @property
    def unwanted(self) -> list[str]:
        """What is open although its lane is over: it is to be cut off."""
        if not (self._ending or self._failing):
            return []
        return [key for key in self.open if self.at(key)[0].is_over]

    def _begin(self, lane: Lane) -> None:
        lane.is_begun = True
        if lane.owner is not None:
            if lane.index != lane.owner.next_index:
                raise JournalDiverged(f"Lane {lane.path!r} was opened out of turn.")
            lane.owner.next_index += 1
            lane.owner.open[lane.index] = lane
            self._reconsider(lane.owner)

    def _set(self, lane: Lane, values: JsonValue, *, labels: JsonValue) -> None:
        kept, known = lane.home.variables, lane.home.graph.variables
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if name in known:
                kept[name] = reduced(name, known[name].reducer, before=kept[name], value=value)
                self._label(lane, name, labels.get(name) if isinstance(labels, Mapping) else None)

    def _label(self, lane: Lane, name: str, labels: JsonValue) -> None:
        """Keep the labels of a variable that was set: with those of what it held before, where that is still in it."""
        found = frozenset(map(str, labels)) if isinstance(labels, list | tuple) else frozenset[str]()
        known = lane.home.variable_labels
        if lane.home.graph.variables[name].reducer != "last":
            found |= known.get(name, frozenset())
        if found:
            known[name] = found
        else:
            known.pop(name, None)

    def _fail(self, lane: Lane, error: JsonObject, *, labels: frozenset[str] = frozenset()) -> None:
        if lane.owner is not None:
            # What went wrong may be told in a stranger's words, and what holds the lane tells of it in turn.
            lane.owner.result_labels |= labels
            self._doom(lane.owner, error)
        elif self.failure is None:
            self.failure = error

    def _doom(self, held: Held, error: JsonObject) -> None:
        """Let a node fail that holds lanes, once nothing in them is under way any more."""
        if held.failure is None:
            held.failure = error
            self._over(f"{held.key}[")
            self.turns.pop(held.key, None)
            self._failing[held.key] = held

    def _pass_on(self, lane: Lane, target: str, *, source: str | None) -> None:
        """Let one way into ``target`` come, or die where there is no source."""
        lane.missing[target] -= 1
        if source is not None:
            lane.arrived.setdefault(target, []).append(source)
        if target in lane.entered:
            return
        came, join = len(lane.arrived.get(target, ())), lane.graph.nodes[target].join
        needed = 1 if join in ("any", "all") else int(join)
        if came >= needed and (join != "all" or lane.missing[target] == 0):
            self._enter(lane, target)
        elif lane.missing[target] == 0:
            lane.entered.add(target)
            if not lane.is_over:
                self.dead[lane.key(target)] = None

    def _enter(self, lane: Lane, node_id: str) -> None:
        lane.entered.add(node_id)
        if not lane.is_over:
            self.ready[lane.key(node_id)] = None

    def _settle(self, key: str) -> None:
        for known in (self.ready, self.dead, self.open, self.cut, self.waiting, self.resting, self.alarms):
            known.pop(key, None)
        if key in self.held:
            self._drop(key)

    def _drop(self, key: str) -> None:
        """Forget what a node held, now that it has come to its end."""
        if self.held.pop(key).open:
            # It ended before its lanes did: its time was up. Nothing more begins in them.
            self._over(f"{key}[")
        self.turns.pop(key, None)
        self._failing.pop(key, None)
        self._forget(f"{key}[")

    def _over(self, prefix: str) -> None:
        """Let nothing more begin in the lanes and steps whose keys begin so."""
        for path, lane in self.lanes.items():
            if path.startswith(prefix):
                lane.is_over = True
        for known in (self.ready, self.dead, self.cut, self.waiting, self.resting, self.alarms, self.turns):
            for key in [key for key in known if key.startswith(prefix)]:
                del known[key]

    def _forget(self, prefix: str) -> None:
        if not self._keeps_lanes:
            for path in [path for path in self.lanes if path.startswith(prefix)]:
                del self.lanes[path]
        for known in (self.held, self._ending, self._failing):
            for key in [key for key in known if key.startswith(prefix)]:
                del known[key]

    def _let_end(self) -> None:
        """Close the lanes that are over, and let nodes fail that must, where nothing under them is open any more."""
        for path, lane in list(self._ending.items()):
            # One that was closed took those inside it along.
            if path in self._ending and lane.owner is not None and not self._is_open_under(f"{path}/"):
                del self._ending[path]
                self._close(lane, lane.owner)
        for key, held in self._failing.items():
            if not held.lane.is_over and not self._is_open_under(f"{key}["):
                self.turns[key] = None

    def _close(self, lane: Lane, held: Held) -> None:
        held.open.pop(lane.index, None)
        held.results[lane.index] = lane.results.get(lane.graph.exit)
        held.result_labels |= lane.labels.get(lane.graph.exit, frozenset())
        self._forget(f"{lane.path}/")
        if not self._keeps_lanes:
            del self.lanes[lane.path]
        self._reconsider(held)

    def _is_open_under(self, prefix: str) -> bool:
        # Of what was cut off under a lane that is over, the next holder has still to tell.
        return any(key.startswith(prefix) for known in (self.open, self.cut) for key in known)

    def _reconsider(self, held: Held) -> None:
        if held.failure is None and held.is_in_turn and not held.lane.is_over:
            self.turns[held.key] = None
        else:
            self.turns.pop(held.key, None)
