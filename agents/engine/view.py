# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a journal adds up to: which steps are done, which may start, which never will. Folded entry by entry."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from agents.engine.errors import JournalDiverged
from agents.engine.graph import HOLDING, FlowGraph, Node
from agents.engine.journal import Entry, usage_from
from agents.engine.lanes import Held, Lane
from agents.engine.variables import reduced
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

ReadFlow = Callable[[JsonValue], FlowGraph]


class JournalView:
    """The fold of a journal over its graph: the same on any machine, in time that grows with the ways out of a node.

    Each way into a node comes (its source was done and took it) or dies (it was not taken, or its source was skipped).
    Everything here goes by the keys of steps, see ``lanes``. ``ready`` are steps that enough ways have come to, those
    that are ``resting`` only from then on; ``dead`` those that no longer can be reached and are to be told as skipped;
    ``open`` are intended by the present holder and not done; ``cut`` were intended by an earlier holder and never told
    as done; ``held`` are nodes that hold lanes, those in ``turns`` have something to do; ``alarms`` say when waiting or
    holding has lasted long enough; ``taken`` are the messages of the inbox that became entries.

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
        self.groups: dict[str, int] = {}
        self.ready: dict[str, None] = {}
        self.resting: dict[str, datetime] = {}
        self.dead: dict[str, None] = {}
        self.open: dict[str, Entry] = {}
        self.cut: dict[str, Entry] = {}
        self.waiting: dict[str, JsonObject] = {}
        self.alarms: dict[str, datetime] = {}
        self.held: dict[str, Held] = {}
        self.turns: dict[str, None] = {}
        self.failure: JsonObject | None = None
        self.cancelled_by: str | None = None
        self.paused_by: str | None = None
        self.finished: JsonObject | None = None
        self.usage = Usage()
        self.citations: JsonValue = []
        self.noted: set[str] = set()
        self.taken: set[str] = set()
        self._read_flow = read_flow
        self._keeps_lanes = keeps_lanes
        self._ending: dict[str, Lane] = {}
        self._failing: dict[str, Held] = {}

    @classmethod
    def of(
        cls,
        graph: FlowGraph,
        entries: Iterable[Entry],
        *,
        input: JsonValue = None,
        read_flow: ReadFlow | None = None,
        keeps_lanes: bool = False,
    ) -> "JournalView":
        """Fold a whole journal. Raises JournalDiverged."""
        view = cls(graph, input=input, read_flow=read_flow, keeps_lanes=keeps_lanes)
        for entry in entries:
            view.fold(entry)
        return view

    @property
    def results(self) -> dict[str, JsonValue]:
        """What the nodes of the run's own graph gave."""
        return self.root.results

    @property
    def skipped(self) -> set[str]:
        """The nodes of the run's own graph that were left out."""
        return self.root.skipped

    def fold(self, entry: Entry) -> None:
        """Take in the next entry. Raises JournalDiverged where it cannot follow the ones before."""
        if entry.seq != self.last_seq + 1:
            raise JournalDiverged(
                f"Entry {entry.seq} follows entry {self.last_seq}. Restore the journal from a backup."
            )
        if self.finished is not None:
            raise JournalDiverged(f"Entry {entry.seq} comes after the run was finished.")
        self.last_seq = entry.seq
        if (message := entry.data.get("inbox")) is not None:
            self.taken.add(str(message))
        # Types that a later version added say nothing to this fold.
        if (folder := _FOLDS.get(entry.type)) is not None:
            folder(self, entry)
        elif (step_folder := _STEP_FOLDS.get(entry.type)) is not None:
            step_folder(self, entry, *self._place_of(entry))
            if self._ending or self._failing:
                self._let_end()

    def at(self, key: str) -> tuple[Lane, Node]:
        """Return the lane and the node of a step. Raises JournalDiverged where there is none."""
        if key in self.graph.nodes:
            return self.root, self.graph.nodes[key]
        path, _, node_id = key.rpartition("/")
        lane = self.lanes.get(path)
        if lane is None or node_id not in lane.graph.nodes:
            raise JournalDiverged(f"The journal names step {key!r}, which the flow does not have.")
        return lane, lane.graph.nodes[node_id]

    def lane_of(self, held: Held, index: int, *, input: JsonValue, flow: JsonValue = None) -> Lane:
        """Make the lane that a node is about to open; it counts once its entry is done. Raises JournalDiverged."""
        graph = held.node.body
        if flow is not None and self._read_flow is not None:
            graph = self._read_flow(flow)
        if graph is None:
            raise JournalDiverged(f"Step {held.key!r} opens a lane, and there is no flow to do in it.")
        lane = Lane(graph, path=held.path_of(index), owner=held, index=index, input=input)
        self.lanes[lane.path] = lane
        return lane

    def expire(self, key: str, error: JsonObject) -> None:
        """End what a node holds: its time is up. What is under way in its lanes comes to its end first."""
        self.alarms.pop(key, None)
        self._doom(self.held[key], error)
        self._let_end()

    def sources_of(self, key: str) -> tuple[str, ...]:
        """Return the steps whose results lead to this one, in the order they came."""
        lane, node = self.at(key)
        return tuple(lane.key(source) for source in lane.sources_of(node.id))

    @property
    def unwanted(self) -> list[str]:
        """What is open although its lane is over: it is to be cut off."""
        if not (self._ending or self._failing):
            return []
        return [key for key in self.open if self.at(key)[0].is_over]

    def is_startable(self, key: str) -> bool:
        """Whether a step may still begin."""
        return key in self.ready or key in self.cut

    def _place_of(self, entry: Entry) -> tuple[str, Lane, Node]:
        key = entry.node_id
        if key is None:
            raise JournalDiverged(f"Entry {entry.seq} ({entry.type}) names no step.")
        if key in self.graph.nodes:
            return key, self.root, self.graph.nodes[key]
        path = key.rpartition("/")[0]
        if path not in self.lanes and entry.type == "step.done":
            self._recall_lane(path, entry)
        return key, *self.at(key)

    def _recall_lane(self, path: str, entry: Entry) -> None:
        """Open the lane that an entry is the first of."""
        owner, _, index = path.removesuffix("]").rpartition("[")
        held = self.held.get(owner)
        if held is None or not index.isdecimal():
            raise JournalDiverged(f"Entry {entry.seq} is of {path!r}, which nothing holds.")
        self.lane_of(held, int(index), input=entry.data.get("result"), flow=entry.data.get("flow"))

    def _accepted(self, entry: Entry) -> None:
        self.is_accepted = True
        self.accepted_at = entry.at
        self._enter(self.root, self.graph.entry)

    def _started(self, entry: Entry) -> None:
        # A new holder begins: what the last one left open was cut, and what it may have cost is counted.
        for key, intended in self.open.items():
            self.cut[key] = intended
            self.usage += usage_from(intended.data.get("estimate"))
        self.open.clear()
        if self._ending or self._failing:
            self._let_end()

    def _intended(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        if node.id in lane.results or key in self.open or key in self.held:
            raise JournalDiverged(f"Entry {entry.seq} intends step {key!r} a second time.")
        self._settle(key)
        self.attempts[key] = entry.attempt
        if node.kind in HOLDING:
            self._hold(entry, key, lane, node)
        else:
            self.open[key] = entry

    def _hold(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        count, parallel = entry.data.get("count"), entry.data.get("parallel")
        held = Held(
            key,
            node,
            lane,
            entry.data,
            entry.at,
            count=count if isinstance(count, int) else None,
            parallel=parallel if isinstance(parallel, int) else 1,
        )
        self.held[key] = held
        if node.timeout_seconds is not None:
            self.alarms[key] = entry.at + timedelta(seconds=node.timeout_seconds)
        self._reconsider(held)

    def _done(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        collected = entry.data.get("collected")
        if collected is None:
            result = entry.data.get("result")
        else:
            held = self.held[key]
            result = held.last if collected == "last" else held.collected
        self._give(entry, key, lane, node, result=result)
        if isinstance(result, Mapping) and result.get("citations"):
            self.citations = result["citations"]

    def _give(self, entry: Entry, key: str, lane: Lane, node: Node, *, result: JsonValue) -> None:
        if node.id in lane.results:
            raise JournalDiverged(f"Entry {entry.seq} finishes step {key!r} a second time.")
        self._settle(key)
        self.steps += 1
        lane.results[node.id] = result
        self.usage += usage_from(entry.data.get("usage"))
        if not lane.is_begun:
            self._begin(lane)
        if "set" in entry.data:
            self._set(lane, entry.data["set"])
        taken = entry.data.get("next")
        chosen: Collection[JsonValue] = (
            taken if isinstance(taken, list | tuple) else [way.target for way in node.ways if way.is_open]
        )
        for target in node.targets:
            self._pass_on(lane, target, source=node.id if target in chosen else None)
        if node.id == lane.graph.exit and not lane.is_root:
            self._over(f"{lane.path}/")
            lane.is_over = True
            self._ending[lane.path] = lane

    def _begin(self, lane: Lane) -> None:
        lane.is_begun = True
        if lane.owner is not None:
            if lane.index != lane.owner.next_index:
                raise JournalDiverged(f"Lane {lane.path!r} was opened out of turn.")
            lane.owner.next_index += 1
            lane.owner.open[lane.index] = lane
            self._reconsider(lane.owner)

    def _set(self, lane: Lane, values: JsonValue) -> None:
        kept, known = lane.home.variables, lane.home.graph.variables
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if name in known:
                kept[name] = reduced(name, known[name].reducer, before=kept[name], value=value)

    def _failed(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        if "result" in entry.data:
            self._give(entry, key, lane, node, result=entry.data["result"])
            return
        self._settle(key)
        self.steps += 1
        self.usage += usage_from(entry.data.get("usage"))
        error = entry.data.get("error")
        self._fail(lane, {**(error if isinstance(error, Mapping) else {}), "node_id": key})

    def _fail(self, lane: Lane, error: JsonObject) -> None:
        if lane.owner is not None:
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

    def _skipped(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        if key in self.open:
            self.usage += usage_from(self.open[key].data.get("estimate"))
        self._settle(key)
        lane.skipped.add(node.id)
        for target in node.targets:
            self._pass_on(lane, target, source=None)
        if node.id == lane.graph.exit and not lane.is_root:
            self._fail(lane, {**exit_not_reached(key), "node_id": key})

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

    def _retry(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        self._settle(key)
        self.attempts[key] = entry.attempt
        self.usage += usage_from(entry.data.get("usage"))
        if lane.is_over:
            return
        after = entry.data.get("after_seconds")
        self.resting[key] = entry.at + timedelta(seconds=float(after) if isinstance(after, int | float) else 0.0)
        self.ready[key] = None

    def _waits(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        self.ready.pop(key, None)
        self.open.pop(key, None)
        if lane.is_over:
            return
        self.waiting[key] = entry.data
        seconds = entry.data.get("timeout_seconds")
        if isinstance(seconds, int | float):
            self.alarms[key] = entry.at + timedelta(seconds=seconds)

    def _decided(self, entry: Entry, key: str, lane: Lane, node: Node) -> None:
        self._settle(key)
        # Whoever decides to do it again has looked outside: that is another effect, under another key.
        self.groups[key] = self.groups.get(key, 0) + 1
        self.ready[key] = None

    def _noted(self, entry: Entry) -> None:
        self.noted.add(str(entry.data.get("message")))
        if (by := entry.data.get("cancelled_by")) is not None:
            self.cancelled_by = str(by)
        if (by := entry.data.get("paused_by")) is not None:
            self.paused_by = str(by)
        if "resumed_by" in entry.data:
            self.paused_by = None

    def _finished(self, entry: Entry) -> None:
        self.finished = entry.data

    def _settle(self, key: str) -> None:
        for known in (self.ready, self.dead, self.open, self.cut, self.waiting, self.resting, self.alarms):
            known.pop(key, None)
        if key in self.held:
            self._drop(key)

    def _drop(self, key: str) -> None:
        """Forget what a node held, now that it has come to its end."""
        del self.held[key]
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
            if lane.owner is not None and not self._is_open_under(f"{path}/"):
                del self._ending[path]
                self._close(lane, lane.owner)
        for key, held in self._failing.items():
            if not held.lane.is_over and not self._is_open_under(f"{key}["):
                self.turns[key] = None

    def _close(self, lane: Lane, held: Held) -> None:
        held.open.pop(lane.index, None)
        held.results[lane.index] = lane.results.get(lane.graph.exit)
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


def exit_not_reached(key: str) -> JsonObject:
    """Say that no way led to an exit."""
    message = f"Every way to {key!r} was left out, so there is no result. Give each choice a way there."
    return {"code": "exit_not_reached", "message": message}


_FOLDS: Mapping[str, Callable[[JournalView, Entry], None]] = {
    "run.accepted": JournalView._accepted,
    "run.started": JournalView._started,
    "note": JournalView._noted,
    "run.finished": JournalView._finished,
}
_STEP_FOLDS: Mapping[str, Callable[[JournalView, Entry, str, Lane, Node], None]] = {
    "step.intended": JournalView._intended,
    "step.done": JournalView._done,
    "step.failed": JournalView._failed,
    "step.skipped": JournalView._skipped,
    "step.retry": JournalView._retry,
    "run.waiting": JournalView._waits,
    "approval.decided": JournalView._decided,
}
