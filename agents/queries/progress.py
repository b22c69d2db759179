# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How far a run has come, step by step: folded from its journal once, and from there on by what was added."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from uuid import UUID

from accounts.actor import Actor
from accounts.tenancy import in_organization
from agents.engine.documents import parse_flow
from agents.engine.errors import JournalDiverged
from agents.engine.graph import HOLDING, Node
from agents.engine.journal import Entry, usage_from
from agents.engine.lanes import parted
from agents.engine.order import in_order
from agents.engine.view import JournalView
from agents.models import Run
from agents.queries.runs import graph_of, read_journal
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_KEPT = 50
"""How many runs stay folded in a process, so that whoever asks again costs no more than what was added."""
MOST_ENTRIES_KEPT = 50_000
"""How many entries they may have together."""

_STATES = {
    "step.intended": "running",
    "step.retry": "running",
    "step.done": "succeeded",
    "step.failed": "failed",
    "step.skipped": "skipped",
    "run.waiting": "waiting",
    "approval.decided": "running",
}
ANSWERING = frozenset({"llm", "agent", "think"})
"""Kinds of node whose result is what a model answered."""
_ENDS = frozenset({"step.done", "step.failed"})
_ENDED = frozenset({"succeeded", "failed", "skipped"})


@dataclass(slots=True)
class NodeView:
    """One step's line in the timeline; ``id`` is its key, see agents/engine/lanes.py.

    ``tries`` counts how often it asked the outside. ``reason`` is why it was skipped; ``is_recovered``: it failed, and
    the flow dealt with that; ``is_kept``: what it gave was taken over from the run that this one goes on from, and it
    cost nothing here. Of a node that holds lanes ``count`` is how many there will be where that is known,
    ``begun`` and ``ended`` how many did, ``exit`` the node that a lane ends with, ``inside`` what was spent in them.
    Of an answer by a route ``way`` names that and who answered; ``has_fallen_back``: not who was asked first.
    """

    id: str
    kind: str
    state: str = "queued"
    started_at: datetime | None = None
    duration_seconds: float | None = None
    tries: int = 0
    attempts: int = 0
    reason: str = ""
    is_recovered: bool = False
    is_kept: bool = False
    error: JsonObject | None = None
    usage: Usage | None = None
    inside: Usage | None = None
    exit: str = ""
    count: int | None = None
    begun: int = 0
    ended: int = 0
    way: str = ""
    has_fallen_back: bool = False
    is_cached: bool = False

    @property
    def spent(self) -> Usage | None:
        """What it spent, with what was spent in its lanes; None where neither asked for anything."""
        if self.usage is None or self.inside is None:
            return self.usage or self.inside
        return self.usage + self.inside

    @property
    def tokens(self) -> int | None:
        """Tokens in and out."""
        return None if self.spent is None else self.spent.input_tokens + self.spent.output_tokens

    @property
    def cost(self) -> float | None:
        """In dollars."""
        return None if self.spent is None else float(self.spent.cost_usd)

    @property
    def held(self) -> "NodeView | None":
        """Itself where it holds lanes, which its numbers are about; None of any other."""
        return self if self.kind in HOLDING else None

    @property
    def node(self) -> str:
        """Its node's id."""
        return parted(self.id)[1]

    @property
    def lane(self) -> str:
        """The lane it stands in; empty for the run's own."""
        return parted(self.id)[0]

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in _ENDED

    def show(self, entry: Entry) -> None:
        """Take in an entry about it."""
        self.state = _STATES[entry.type]
        self.attempts = max(self.attempts, entry.attempt)
        self.tries += entry.type == "step.intended"
        if isinstance(count := entry.data.get("count"), int) and entry.type == "step.intended":
            self.count = count
        if entry.type == "step.skipped":
            self.reason = str(entry.data.get("reason") or "")
            if self.started_at is None:
                return
        if self.started_at is None:
            self.started_at = entry.at
        if entry.type in _ENDS or entry.type == "step.skipped":
            self.duration_seconds = (entry.at - self.started_at).total_seconds()
            self.is_recovered = entry.type == "step.failed" and "result" in entry.data
        error = entry.data.get("error")
        self.error = error if isinstance(error, dict) else None
        self.is_kept = entry.is_kept
        if "usage" in entry.data and not entry.is_kept:
            self.usage = (self.usage or Usage()) + usage_from(entry.data["usage"])
        if self.kind in ANSWERING and isinstance(result := entry.data.get("result"), Mapping):
            self._show_way(result)

    def _show_way(self, result: JsonObject) -> None:
        route, attempts = result.get("route"), result.get("attempts")
        self.way = f"{route} → {result.get('model')}" if isinstance(route, str) else ""
        self.has_fallen_back = isinstance(attempts, list) and len(attempts) > 1
        self.is_cached = result.get("is_cached") is True


@dataclass(slots=True)
class Progress:
    """A run's journal, folded: ``view`` is what its engine sees, ``steps`` what people see, by their keys.

    The nodes of the flow itself come first, in the order people read them; what its lanes do follows as it comes.
    """

    run_id: UUID
    view: JournalView
    steps: dict[str, NodeView]
    waits: dict[str, Entry] = field(default_factory=dict)
    is_broken: bool = False
    in_lanes: defaultdict[str, list[NodeView]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, run: Run, entries: Iterable[Entry] = ()) -> "Progress":
        """Fold what there is of a journal. Raises GraphInvalid, JournalDiverged."""
        graph = graph_of(run)
        view = JournalView(graph, input=run.input, read_flow=parse_flow, keeps_lanes=True)
        progress = cls(run.id, view, {node_id: _seen(node_id, graph.nodes[node_id]) for node_id in in_order(graph)})
        for entry in entries:
            progress.fold(entry)
        return progress

    @property
    def waiting(self) -> dict[str, Entry]:
        """The entries by which steps said that they wait, of those that still do."""
        return {key: self.waits[key] for key in self.view.waiting if key in self.waits}

    def waiting_at(self, key: str) -> Entry | None:
        """Return the entry by which a step said that it waits, where it still does."""
        return self.waits.get(key) if key in self.view.waiting else None

    @property
    def own_steps(self) -> list[NodeView]:
        """The steps of the flow itself."""
        return [self.steps[node_id] for node_id in in_order(self.view.graph)]

    def steps_in(self, lane: str) -> list[NodeView]:
        """The steps that one lane has come to, in the order it came to them."""
        return self.in_lanes.get(lane, [])

    def fold(self, entry: Entry) -> None:
        """Take in the next entry. Raises JournalDiverged."""
        self.view.fold(entry)
        if entry.type == "run.finished":
            self._leave_out()
        key = entry.node_id
        if key is None or entry.type not in _STATES:
            return
        if entry.type == "run.waiting":
            self.waits[key] = entry
        if key not in self.steps:
            self.steps[key] = step = _seen(key, self.view.at(key)[1])
            self.in_lanes[step.lane].append(step)
        self.steps[key].show(entry)
        self._tell_outward(key, entry)

    def _tell_outward(self, key: str, entry: Entry) -> None:
        """Let the nodes around a step know what went on in their lanes."""
        usage = usage_from(entry.data["usage"]) if "usage" in entry.data and not entry.is_kept else None
        path = parted(key)[0]
        if held := self.view.held.get(_owner_of(path)):
            owner = self.steps[held.key]
            owner.begun, owner.ended = held.next_index, len(held.results)
        while path and usage is not None:
            owner = self.steps[_owner_of(path)]
            owner.inside = (owner.inside or Usage()) + usage
            path = owner.lane

    def _leave_out(self) -> None:
        for step in self.steps.values():
            if not step.is_ended:
                step.state, step.reason = "skipped", "ended"


def _seen(key: str, node: Node) -> NodeView:
    return NodeView(key, node.kind, exit=node.body.exit if node.kind in HOLDING and node.body is not None else "")


def _owner_of(path: str) -> str:
    return path.rpartition("[")[0]


class _Kept:
    """Runs that were folded lately. Whoever works with one holds its lock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[UUID, tuple[Lock, list[Progress]]] = OrderedDict()

    def of(self, run_id: UUID) -> tuple[Lock, list[Progress]]:
        """Return a run's lock and the place where it is kept."""
        with self._lock:
            place = self._found.setdefault(run_id, (Lock(), []))
            self._found.move_to_end(run_id)
            return place

    def tidy(self) -> None:
        """Forget those that nobody asked for in a while."""
        with self._lock:
            while len(self._found) > MOST_KEPT or self._entries > MOST_ENTRIES_KEPT:
                self._found.popitem(last=False)

    @property
    def _entries(self) -> int:
        return sum(progress.view.last_seq for _, places in self._found.values() for progress in places)


_kept = _Kept()


@contextmanager
def folded(actor: Actor, run: Run) -> Iterator[Progress]:
    """Lend how far a run has come that the actor has access to, and keep others from changing it meanwhile.

    It is as new as the run's row, or newer.

    Of a journal that breaks off in nonsense it is what stands before. Raises GraphInvalid.
    """
    lock, place = _kept.of(run.id)
    with lock:
        progress = place.pop() if place else Progress.of(run)
        if run.last_seq > progress.view.last_seq and not progress.is_broken:
            _catch_up(actor, run, progress)
        place.append(progress)
        yield progress
    _kept.tidy()


@in_organization
def _catch_up(actor: Actor, run: Run, progress: Progress) -> None:
    try:
        for entry in read_journal(actor, run.id, after=progress.view.last_seq):
            progress.fold(entry)
    except JournalDiverged:
        # What led here stays readable; the worker that carries the run ends it.
        progress.is_broken = True


def said_by(entry: Entry, name: str) -> str:
    """Return what an entry says under a name, as text."""
    return str(entry.data.get(name) or "")


def result_of(view: JournalView, key: str) -> tuple[bool, JsonValue]:
    """Tell whether a step has a result, and which."""
    lane, node = view.at(key)
    return node.id in lane.results, lane.results.get(node.id)
