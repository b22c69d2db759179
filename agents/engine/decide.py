# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What happens next? Graph, journal and the time in, decision out: the same answer on any machine."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Literal

from agents.engine.graph import FlowGraph
from agents.engine.view import JournalView, exit_not_reached
from codexos.kernel.jsontypes import JsonObject, JsonValue

MOST_STEPS = 100_000
"""How many steps a run may do whose flow sets no limit: loops in loops come to an end, and a journal can be read."""

MOST_UNDER_WAY = 100
"""How many effects of one run are made at the same time."""
MOST_HANDED_ON = 2 * MOST_UNDER_WAY
"""How many steps are handed on together: more than may begin, even where all that are under way stand among them."""

Because = Literal["cancelled", "ended", "failed", "not_needed"]
"""Why a step is cut off: ``ended`` is one that may have had its effect, and was stopped with a cancelled run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One doing of a node that may begin now; ``node_id`` is its key, see ``lanes``.

    Of the attempts before this one as many as there were ``failures`` failed; the others were cut off.
    """

    node_id: str
    attempt: int
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Perform:
    """What may be done now: begin steps; tell of ``skips`` that they never will; cut off what is not wanted any more
    (``cuts``); give a turn to nodes that hold lanes; tell those whose time is up (``late``). ``until`` is the next
    moment that changes this.
    """

    steps: tuple[Step, ...] = ()
    skips: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    until: datetime | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.steps or self.cuts) and self.only_begins

    @property
    def only_begins(self) -> bool:
        """Whether nothing follows from it but that steps are under way."""
        return not (self.skips or self.turns or self.late)


@dataclass(frozen=True, slots=True)
class Drain:
    """The run is over but for these steps, which are being done: cut off what may be, let the others end."""

    nodes: tuple[str, ...]
    because: Because


@dataclass(frozen=True, slots=True)
class Finish:
    """The exit is done: this is the run's result."""

    output: JsonValue


@dataclass(frozen=True, slots=True)
class Fail:
    """A step failed for good, and nothing in the flow deals with that."""

    error: JsonObject


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody asked for the run's end; ``replaced_by`` is the newer run that they started instead."""

    by: str
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Nothing can start until something is told, or until a time has come: these steps wait."""

    nodes: tuple[str, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing more can start until one of these steps, now being done, is over, or until a time has come."""

    nodes: tuple[str, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The run was finished before."""

    data: JsonObject


@dataclass(frozen=True, slots=True)
class Stuck:
    """Nothing can ever start: a bug of ours, told rather than hidden."""


Decision = Perform | Drain | Finish | Fail | Cancel | WaitFor | Busy | Ended | Stuck


def decide(graph: FlowGraph, view: JournalView, now: datetime) -> Decision:
    """Say what may happen next. Pure: reads the three and nothing else."""
    if view.finished is not None:
        return Ended(view.finished)
    end = _end(graph, view, now)
    if end is not None:
        return Drain(tuple(view.open), _REASONS[type(end)]) if view.open else end
    until = _next_moment(graph, view, now)
    doable = _doable(view, now, until=until)
    if not doable.is_nothing:
        return doable
    if view.open:
        return Busy(tuple(view.open), until)
    held = tuple(dict.fromkeys((*view.waiting, *view.cut, *view.resting)))
    return WaitFor(held, until) if held or view.paused_by is not None else Stuck()


def _doable(view: JournalView, now: datetime, *, until: datetime | None) -> Perform:
    cuts, skips = tuple(view.unwanted), tuple(view.dead)
    late = tuple(key for key, at in view.alarms.items() if at <= now)
    if view.paused_by is not None:
        return Perform(skips=skips, cuts=cuts, late=late, until=until)
    return Perform(_startable(view, now), skips, cuts, tuple(view.turns), late, until)


def _end(graph: FlowGraph, view: JournalView, now: datetime) -> Cancel | Fail | Finish | None:
    if graph.exit in view.results:
        return Finish(view.results[graph.exit])
    if view.cancelled_by is not None:
        return Cancel(view.cancelled_by, view.replaced_by)
    if view.failure is not None:
        return Fail(view.failure)
    if graph.exit in view.skipped or graph.exit in view.dead:
        return Fail({**exit_not_reached(graph.exit), "node_id": graph.exit})
    over = _limit_reached(graph, view, now)
    return None if over is None else Fail(over)


def _limit_reached(graph: FlowGraph, view: JournalView, now: datetime) -> JsonObject | None:
    limits, usage = graph.limits, view.usage
    deadline = _deadline(graph, view)
    if deadline is not None and deadline <= now:
        return _limit("run_timed_out", f"The run was not done within {limits.seconds:g} seconds")
    most = MOST_STEPS if limits.steps is None else limits.steps
    if view.steps > most:
        return _limit("step_limit_reached", f"The run has done {view.steps:,} steps, of {most:,} it may do")
    if limits.tokens is not None and usage.input_tokens + usage.output_tokens > limits.tokens:
        spent = usage.input_tokens + usage.output_tokens
        return _limit("spend_limit_reached", f"The run has spent {spent:,} tokens, of {limits.tokens:,} it may spend")
    if limits.cost_usd is not None and float(usage.cost_usd) > limits.cost_usd:
        return _limit("spend_limit_reached", f"The run has cost ${usage.cost_usd}, of ${limits.cost_usd:g} it may cost")
    return None


def _limit(code: str, message: str) -> JsonObject:
    return {"code": code, "message": f"{message}. Raise the limit in the flow's 'limits', or make it do less."}


def _deadline(graph: FlowGraph, view: JournalView) -> datetime | None:
    if graph.limits.seconds is None or view.accepted_at is None:
        return None
    return view.accepted_at + timedelta(seconds=graph.limits.seconds)


def _next_moment(graph: FlowGraph, view: JournalView, now: datetime) -> datetime | None:
    """When the clock alone changes the answer. Rests that are over wait for a place, not for the clock."""
    if not view.alarms and not view.resting and graph.limits.seconds is None:
        return None
    moments = [*view.alarms.values()]
    if view.paused_by is None:
        moments.extend(at for at in view.resting.values() if at > now)
    if (deadline := _deadline(graph, view)) is not None:
        moments.append(deadline)
    return min(moments, default=None)


_REASONS: dict[type[Cancel | Fail | Finish], Because] = {
    Cancel: "cancelled",
    Fail: "failed",
    Finish: "not_needed",
}


def _startable(view: JournalView, now: datetime) -> tuple[Step, ...]:
    cut = (key for key, told in view.cut.items() if told.data.get("may_repeat") is True)
    ready = (key for key in view.ready if key not in view.resting or view.resting[key] <= now)
    # Asked anew after each end: were all handed on, a wide flow would cost the square of its width.
    keys = islice(chain(cut, ready), MOST_HANDED_ON)
    return tuple(Step(key, view.attempts.get(key, 0) + 1, view.failures.get(key, 0)) for key in keys)
