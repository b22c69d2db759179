# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a journal adds up to: which steps are done, which may start, which never will. Folded entry by entry."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from agents.engine.answers import answer_of, grant_of
from agents.engine.errors import JournalDiverged
from agents.engine.graph import HOLDING, FlowGraph, Limits, Node
from agents.engine.journal import Entry, usage_from
from agents.engine.lanes import Held, Lane, parted
from agents.engine.state import ReadFlow, RunState
from codexos.kernel.chat import Usage
from codexos.kernel.jsontypes import JsonObject, JsonValue


class Place(NamedTuple):
    """Where an entry belongs: the step's key, its lane and its node."""

    key: str
    lane: Lane
    node: Node


class JournalView(RunState):
    """The fold of a journal over its graph: the same on any machine, in time that grows with the ways out of a node.

    Each way into a node comes (its source was done and took it) or dies (it was not taken, or its source was skipped).
    """

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
        if "labels" in entry.data or "set_labels" in entry.data:
            self.is_labeled = True
        # Types that a later version added say nothing to this fold.
        if (folder := _FOLDS.get(entry.type)) is not None:
            folder(self, entry)
        elif (step_folder := _STEP_FOLDS.get(entry.type)) is not None:
            step_folder(self, entry, self._place_of(entry))
            if self._ending or self._failing:
                self._let_end()

    def _place_of(self, entry: Entry) -> Place:
        key = entry.node_id
        if key is None:
            raise JournalDiverged(f"Entry {entry.seq} ({entry.type}) names no step.")
        if key in self.graph.nodes:
            return Place(key, self.root, self.graph.nodes[key])
        path = parted(key)[0]
        if path not in self.lanes and entry.type == "step.done":
            self._recall_lane(path, entry)
        return Place(key, *self.at(key))

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
        self.root.input_labels = labels_in(entry)
        self._enter(self.root, self.graph.entry)

    def _started(self, entry: Entry) -> None:
        # A new holder begins: what the last one left open was cut, and what it may have cost is counted.
        for key, intended in self.open.items():
            self.cut[key] = intended
            if intended.data.get("may_repeat") is not True:
                self.unsure[key] = intended
            if not intended.is_kept:
                self._spend(usage_from(intended.data.get("estimate")), lane=self.lanes[parted(key)[0]])
        self.open.clear()
        if self._ending or self._failing:
            self._let_end()

    def _intended(self, entry: Entry, place: Place) -> None:
        key, lane, node = place
        if node.id in lane.results or key in self.open or key in self.held:
            raise JournalDiverged(f"Entry {entry.seq} intends step {key!r} a second time.")
        self._settle(key)
        self.attempts[key] = entry.attempt
        if node.kind in HOLDING:
            self._hold(entry, place)
        else:
            self.open[key] = entry

    def _hold(self, entry: Entry, place: Place) -> None:
        key, lane, node = place
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

    def _count(self, entry: Entry, lane: Lane) -> None:
        # What was kept was done by another run, within the limits of that one.
        if entry.is_kept:
            return
        self.steps += 1
        if "usage" in entry.data:
            self._spend(usage_from(entry.data["usage"]), lane=lane)
        owner = lane.owner
        while owner is not None:
            owner.steps += 1
            if owner.node.kind == "delegate" and (reached := limit_reached(owner)) is not None:
                self._doom(owner, reached)
            owner = owner.lane.owner

    def _spend(self, usage: Usage, *, lane: Lane) -> None:
        """Count what was spent for the run, and for the nodes around that hold lanes."""
        self.usage += usage
        owner = lane.owner
        while owner is not None:
            owner.usage += usage
            owner = owner.lane.owner

    def _done(self, entry: Entry, place: Place) -> None:
        collected = entry.data.get("collected")
        result = entry.data.get("result") if collected is None else self._collected(str(collected), place)
        self._give(entry, place, result=result)
        if isinstance(result, Mapping) and result.get("citations"):
            self.citations = result["citations"]
        self.file_labels |= labels_in(entry, "file_labels")

    def _collected(self, what: str, place: Place) -> JsonValue:
        if what == "lane":
            return place.lane.gathered
        held = self.held[place.key]
        return held.last if what == "last" else held.collected

    def _give(self, entry: Entry, place: Place, *, result: JsonValue) -> None:
        key, lane, node = place
        if node.id in lane.results:
            raise JournalDiverged(f"Entry {entry.seq} finishes step {key!r} a second time.")
        self._settle(key)
        self._count(entry, lane)
        lane.results[node.id] = result
        if found := labels_in(entry):
            lane.labels[node.id] = found
        self._forget_answers(key)
        if not lane.is_begun:
            self._begin(lane)
        if "set" in entry.data:
            self._set(lane, entry.data["set"], labels=entry.data.get("set_labels"))
        taken = entry.data.get("next")
        chosen: Collection[JsonValue] = taken if isinstance(taken, list | tuple) else node.open_targets
        for target in node.targets:
            self._pass_on(lane, target, source=node.id if target in chosen else None)
        if node.id == lane.graph.exit and not lane.is_root:
            self._over(f"{lane.path}/")
            lane.is_over = True
            self._ending[lane.path] = lane

    def _failed(self, entry: Entry, place: Place) -> None:
        if "result" in entry.data:
            self._give(entry, place, result=entry.data["result"])
            return
        self._settle(place.key)
        self._forget_answers(place.key)
        self._count(entry, place.lane)
        if place.lane.is_over:
            return
        error = entry.data.get("error")
        told = {**(error if isinstance(error, Mapping) else {}), "node_id": place.key}
        self._fail(place.lane, told, labels=labels_in(entry))

    def _skipped(self, entry: Entry, place: Place) -> None:
        key, lane, node = place
        if key in self.open:
            self._spend(usage_from(self.open[key].data.get("estimate")), lane=lane)
        self._settle(key)
        self._forget_answers(key)
        lane.skipped.add(node.id)
        for target in node.targets:
            self._pass_on(lane, target, source=None)
        if node.id == lane.graph.exit and not lane.is_root:
            self._fail(lane, {**exit_not_reached(key), "node_id": key})

    def _retry(self, entry: Entry, place: Place) -> None:
        key = place.key
        self._settle(key)
        self.attempts[key] = entry.attempt
        self.failures[key] = self.failures.get(key, 0) + 1
        self._spend(usage_from(entry.data.get("usage")), lane=place.lane)
        if place.lane.is_over:
            return
        after = entry.data.get("after_seconds")
        self.resting[key] = entry.at + timedelta(seconds=float(after) if isinstance(after, int | float) else 0.0)
        self.ready[key] = None

    def _waits(self, entry: Entry, place: Place) -> None:
        key = place.key
        self.ready.pop(key, None)
        self.open.pop(key, None)
        if place.lane.is_over:
            return
        self.waiting[key] = entry.data
        seconds = entry.data.get("timeout_seconds")
        if isinstance(seconds, int | float):
            self.alarms[key] = entry.at + timedelta(seconds=seconds)

    def _decided(self, entry: Entry, place: Place) -> None:
        key, told = place.key, self.waiting.get(place.key)
        if told is not None and "call" in told:
            self.answers[key] = heard = answer_of(entry, told, before=self.answers.get(key), until=self.alarms.get(key))
            if heard.get("is_partial"):
                return
            if "arguments" in entry.data:
                self.edits[key] = [*self.edits.get(key, ()), entry.data["arguments"]]
            if (grant := grant_of(heard, told)) is not None:
                self.grants.append(grant)
        else:
            self._forget_answers(key)
        self._settle(key)
        # Whoever decides to do it again has looked outside: that is another effect, under another key.
        self.groups[key] = self.groups.get(key, 0) + 1
        self.unsure.pop(key, None)
        self.failures.pop(key, None)
        self.ready[key] = None

    def _forget_answers(self, key: str) -> None:
        """An approval is of one call: once that has come to its end, or is to be another, it holds no more."""
        self.answers.pop(key, None)
        self.edits.pop(key, None)

    def _noted(self, entry: Entry) -> None:
        self.noted.add(str(entry.data.get("message")))
        if (by := entry.data.get("cancelled_by")) is not None:
            self.cancelled_by = str(by)
        if (newer := entry.data.get("replaced_by")) is not None:
            self.replaced_by = str(newer)
        if (by := entry.data.get("paused_by")) is not None:
            self.paused_by = str(by)
        if "resumed_by" in entry.data:
            self.paused_by = None
        if (key := str(entry.data.get("expired"))) in self.held:
            self._expire(key, entry.data.get("error"))
        if isinstance(state := entry.data.get("state"), Mapping):
            self.root.variables.update(state)
            self._keep_labels_of_state(entry.data.get("state_labels"))

    def _keep_labels_of_state(self, labels: JsonValue) -> None:
        """Keep the labels that variables had before a person changed them, who had their values before them."""
        known = self.root.variable_labels
        for name, each in labels.items() if isinstance(labels, Mapping) else ():
            self.is_labeled = True
            known[name] = known.get(name, frozenset()).union(map(str, each if isinstance(each, list | tuple) else ()))

    def _expire(self, key: str, error: JsonValue) -> None:
        """End what a node holds: its time is up. What is under way in its lanes comes to its end first."""
        self.alarms.pop(key, None)
        self._doom(self.held[key], error if isinstance(error, Mapping) else {})
        self._let_end()

    def _finished(self, entry: Entry) -> None:
        self.finished = entry.data


def labels_in(entry: Entry, name: str = "labels") -> frozenset[str]:
    """Read where text of strangers in what an entry tells came from."""
    labels = entry.data.get(name)
    return frozenset(map(str, labels)) if isinstance(labels, list | tuple) else frozenset()


def limit_reached(held: Held) -> JsonObject | None:
    """Say which limit of its own a flow that is called as a tool has reached; its time is up by an alarm."""
    limits = held.node.body.limits if held.node.body is not None else Limits()
    usage, said = held.usage, ""
    tokens = usage.input_tokens + usage.output_tokens
    if limits.steps is not None and held.steps > limits.steps:
        said, code = f"has done {held.steps:,} steps, of {limits.steps:,} it may do", "step_limit_reached"
    elif limits.tokens is not None and tokens > limits.tokens:
        said, code = f"has spent {tokens:,} tokens, of {limits.tokens:,} it may spend", "spend_limit_reached"
    elif limits.cost_usd is not None and float(usage.cost_usd) > limits.cost_usd:
        said, code = f"has cost ${usage.cost_usd}, of ${limits.cost_usd:g} it may cost", "spend_limit_reached"
    if not said:
        return None
    return {"code": code, "message": f"The flow {said} by its own limits.", "node_id": held.key}


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
_STEP_FOLDS: Mapping[str, Callable[[JournalView, Entry, Place], None]] = {
    "step.intended": JournalView._intended,
    "step.done": JournalView._done,
    "step.failed": JournalView._failed,
    "step.skipped": JournalView._skipped,
    "step.retry": JournalView._retry,
    "run.waiting": JournalView._waits,
    "approval.decided": JournalView._decided,
}
