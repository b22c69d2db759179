# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Time travel: what a run takes over from the one it goes on from. A pure fold; nothing outside is asked.

A journey always makes another run. Its journal begins with the entries of its parent that still hold, each marked with
its seq there (``kept``); what is left out is done again, and with it whatever depends on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agents.engine.decide import Fail, Step, decide
from agents.engine.dependents import ENDS, Dropped, holders_of, is_recovered, reads_state
from agents.engine.documents import parse_plan
from agents.engine.errors import JourneyImpossible, NothingToRetry
from agents.engine.graph import HOLDING, FlowGraph
from agents.engine.journal import Entry
from agents.engine.journeys import Journey
from agents.engine.labels import labels_from, only_told_in
from agents.engine.labels import told as told_labels
from agents.engine.lanes import parted
from agents.engine.nowhere import no_ports
from agents.engine.outcomes import Done
from agents.engine.recorder import Recorder
from agents.engine.redrawing import Redrawing
from agents.engine.steps import Collected
from agents.engine.telling import Telling
from agents.engine.view import JournalView
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Past:
    """A run that has ended."""

    graph: FlowGraph
    input: JsonValue
    entries: Sequence[Entry]


def keep(journey: Journey, past: Past, *, graph: FlowGraph, input: JsonValue) -> Sequence[Entry]:
    """Return the entries that a run of ``graph`` takes over. Raises JourneyImpossible, NothingToRetry."""
    return _Keeping(journey, past, graph=graph, input=input).keep()


def _with_labels(entry: Entry, result: JsonValue) -> Done:
    """Return a result with the labels of the one that an entry tells: who says what it is had that before them."""
    labels = labels_from(entry.data.get("labels"))
    return Done(result, labels=labels, only_told=only_told_in(entry.data), left="file_labels" in entry.data)


class _StillClock:
    """Shows the time of the entry that is looked at."""

    def __init__(self) -> None:
        self.moment = datetime(2000, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class _Sketch(Recorder):
    """The beginning of a journal that nobody writes down yet."""

    def __init__(self, view: JournalView, clock: _StillClock) -> None:
        super().__init__(no_ports(clock), epoch=0)
        self.view = view

    @property
    def entries(self) -> list[Entry]:
        """What it holds so far."""
        return self._gathered


class _Keeping:
    """Walks once through the journal of the past and keeps what still holds."""

    def __init__(self, journey: Journey, past: Past, *, graph: FlowGraph, input: JsonValue) -> None:
        self._journey = journey
        self._past = past
        self._graph = graph
        self._was = JournalView.of(past.graph, past.entries, input=past.input, read_flow=parse_plan, keeps_lanes=True)
        self._ends = {str(entry.node_id): entry for entry in past.entries if entry.type in ENDS}
        self._redrawing = Redrawing(graph)
        self._dropped = Dropped(self._was)
        self._clock = _StillClock()
        self._view = JournalView(graph, input=input, read_flow=parse_plan, keeps_lanes=True)
        self._sketch = _Sketch(self._view, self._clock)
        self._telling = Telling(self._sketch)
        self._changed: set[str] = set()

    def keep(self) -> Sequence[Entry]:
        """Return what is kept, as it begins the journal of the new run behind its first entry."""
        self._check()
        self._drop_what_was_asked()
        self._sketch.record("run.accepted", {})
        for entry in self._past.entries:
            self._clock.moment = entry.at
            if entry.node_id is not None:
                self._look_at(entry)
        self._keep_what_may_have_happened()
        self._set_state()
        self._check_outcome()
        return [entry for entry in self._sketch.entries if entry.type != "run.accepted"]

    def _check(self) -> None:
        journey, told = self._journey, {entry.node_id for entry in self._past.entries if entry.node_id is not None}
        if journey.start is not None and journey.start not in told:
            raise JourneyImpossible(
                f"The run never came to a step {journey.start!r}. Choose one from its timeline.", place="from"
            )
        for key in journey.steps:
            if key not in self._ends:
                raise JourneyImpossible(
                    f"Step {key!r} has no result in this run that could be changed. Choose one that was done.",
                    place=f"steps.{key}",
                )
            lane, node = self._was.at(key)
            if node.id == lane.graph.entry and not lane.is_root:
                raise JourneyImpossible(
                    f"What {key!r} gives comes from around it. Change the result of the step it comes from.",
                    place=f"steps.{key}",
                )
        unknown = [name for name in journey.state if name not in self._graph.variables]
        if unknown:
            known = ", ".join(map(repr, self._graph.variables)) or "none"
            raise JourneyImpossible(
                f"The flow's 'state' has no variable {unknown[0]!r}. It has: {known}.", place=f"state.{unknown[0]}"
            )
        if journey.kind == "retry" and (self._was.finished or {}).get("status") == "succeeded":
            raise NothingToRetry("The run has succeeded: nothing in it failed. Run it again from a step instead.")

    def _drop_what_was_asked(self) -> None:
        journey = self._journey
        for key in journey.steps:
            self._dropped.add_behind(key)
        if journey.start is not None and journey.start not in journey.steps:
            self._dropped.add(journey.start)
        if journey.has_input:
            self._dropped.add(self._was.graph.entry)
        for key, entry in self._ends.items():
            lane, node = self._was.at(key)
            if self._is_other_now(key, entry) or (
                journey.state and lane.home.is_root and journey.start is None and reads_state(node)
            ):
                self._dropped.add(key)
        self._dropped.add_readers(self._past.entries)

    def _is_other_now(self, key: str, entry: Entry) -> bool:
        if self._journey.kind != "draft":
            return False
        lane, node = self._was.at(key)
        if not self._redrawing.is_same(lane, node):
            return True
        if entry.type == "step.failed" and self._redrawing.has_other_ways(lane, node):
            return True
        return self._redrawing.has_other_variables(lane) and reads_state(node)

    def _look_at(self, entry: Entry) -> None:
        key = str(entry.node_id)
        if key in self._journey.steps:
            if entry.type in ENDS:
                self._change(entry, self._journey.steps[key])
            return
        if not self._still_holds(entry) or self._dropped.has(entry):
            return
        if not self._fits(entry):
            if not self._is_beside(key):
                # Another way is taken now: whatever came of this one is not of this run.
                self._dropped.add(key)
        elif self._journey.kind == "draft" and entry.type == "step.done" and self._follows_otherwise(key):
            self._tell_anew(entry)
        else:
            self._sketch.record(
                entry.type, {**entry.data, "kept": entry.seq}, node_id=entry.node_id, attempt=entry.attempt
            )

    def _still_holds(self, entry: Entry) -> bool:
        key = str(entry.node_id)
        match entry.type:
            case "step.done":
                return True
            case "step.failed":
                return is_recovered(key, ends=self._ends, graph=self._past.graph)
            case "step.skipped":
                return entry.data.get("reason") == "not_reached"
            case "step.intended":
                return self._was.at(key)[1].kind in HOLDING
            case _:
                return False

    def _fits(self, entry: Entry) -> bool:
        """Whether the new run could have come to this by now."""
        key, view = str(entry.node_id), self._view
        if entry.type == "step.skipped":
            return key in view.dead
        if key in view.ready or (key in view.held and entry.type in ENDS):
            return True
        return entry.type == "step.done" and self._opens_a_lane(key)

    def _is_beside(self, key: str) -> bool:
        """Whether a step came to its end when its lane, or the node that holds it, was over without it."""
        view, path = self._view, parted(key)[0]
        around = [view.held.get(holder) for holder, _ in holders_of(key, graph=self._graph)]
        is_over = path in view.lanes and view.lanes[path].is_over
        return is_over or any(held is None or held.failure is not None for held in around)

    def _opens_a_lane(self, key: str) -> bool:
        if key in self._graph.nodes or parted(key)[0] in self._view.lanes:
            return False
        holder, index = next(holders_of(key, graph=self._graph))
        held = self._view.held.get(holder)
        return held is not None and held.failure is None and held.next_index == index

    def _change(self, entry: Entry, result: JsonValue) -> None:
        key = str(entry.node_id)
        if key in self._changed or key not in self._view.ready:
            return
        before = len(self._sketch.entries)
        self._telling.tell(Step(key, entry.attempt), _with_labels(entry, result))
        self._mark(before, {"kept": entry.seq, "changed": True})
        told = self._sketch.entries[-1]
        if told.type != "step.done":
            error = told.data.get("error")
            why = error.get("message") if isinstance(error, Mapping) else ""
            raise JourneyImpossible(f"Step {key!r} cannot have that result: {why}", place=f"steps.{key}")
        self._changed.add(key)

    def _follows_otherwise(self, key: str) -> bool:
        return self._redrawing.has_other_ways(*self._was.at(key))

    def _tell_anew(self, entry: Entry) -> None:
        """Keep a result, and work out anew what follows from it."""
        before = len(self._sketch.entries)
        step = Step(str(entry.node_id), entry.attempt)
        collected = entry.data.get("collected")
        if step.node_id not in self._view.ready and step.node_id not in self._view.held:
            holder, index = next(holders_of(step.node_id, graph=self._graph))
            given, flow = entry.data.get("result"), entry.data.get("flow")
            lane = self._view.lane_of(self._view.held[holder], index, input=given, flow=flow)
            self._telling.tell_opened(lane, given, flow=flow)
        elif collected in ("last", "all", "lane"):
            self._telling.tell(step, Collected(collected))
        else:
            self._telling.tell(step, _with_labels(entry, entry.data.get("result")))
        spent: JsonObject = {name: entry.data[name] for name in ("usage",) if name in entry.data}
        self._mark(before, {**spent, "kept": entry.seq})

    def _mark(self, before: int, more: JsonObject) -> None:
        told = self._sketch.entries
        told[before:] = [replace(entry, data={**entry.data, **more}) for entry in told[before:]]

    def _keep_what_may_have_happened(self) -> None:
        """Take over what was cut off and may have happened: a person decides about it, as in the run before."""
        for key, entry in {**self._was.unsure, **self._was.cut, **self._was.open}.items():
            is_unsure = entry.data.get("may_repeat") is not True
            if is_unsure and self._view.is_startable(key) and not self._dropped.has(entry):
                data = {**entry.data, "kept": entry.seq}
                self._sketch.record("step.intended", data, node_id=key, attempt=entry.attempt)

    def _set_state(self) -> None:
        if self._journey.state:
            names = ", ".join(self._journey.state)
            state, labels = dict(self._journey.state), self._was.root.variable_labels
            known: JsonObject = {name: told_labels(labels[name]) for name in state if name in labels}
            more: JsonObject = {"state_labels": known} if known else {}
            data: JsonObject = {"message": f"Variables were changed: {names}.", "state": state, **more}
            self._sketch.record("note", data)

    def _check_outcome(self) -> None:
        missing = [key for key in self._journey.steps if key not in self._changed]
        if missing:
            raise JourneyImpossible(
                f"Step {missing[0]!r} depends on something else that is changed, so it runs again. Change one of the "
                "two, and the other in a fork of that run.",
                place=f"steps.{missing[0]}",
            )
        if self._journey.kind == "retry":
            decision = decide(self._graph, self._view, self._clock.moment)
            if isinstance(decision, Fail) and decision.error.get("code") != "run_timed_out":
                raise NothingToRetry(
                    f"No step of the run failed that could be done again: {decision.error.get('message')} "
                    "Run it again from an earlier step, or change a result."
                )
