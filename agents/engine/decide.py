# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What happens next? Graph and journal in, decision out: the same answer on any machine."""

from dataclasses import dataclass
from typing import Literal

from agents.engine.graph import FlowGraph
from agents.engine.view import JournalView
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Step:
    """One doing of a node that may begin now, after ``after_seconds`` where it is tried again."""

    node_id: str
    attempt: int
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Perform:
    """These steps may start; these nodes never will and are to be told as skipped."""

    steps: tuple[Step, ...]
    skips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drain:
    """The run is over but for these steps, which are being done: cut off what may be, let the others end."""

    nodes: tuple[str, ...]
    because: Literal["cancelled", "failed", "not_needed"]


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
    """Somebody asked for the run's end."""

    by: str


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Nothing can start until something is told: these steps wait, or nobody knows whether their effect happened."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing more can start until these steps, now being done, are over."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The run was finished before."""

    data: JsonObject


@dataclass(frozen=True, slots=True)
class Stuck:
    """Nothing can ever start: a bug of ours, told rather than hidden."""


Decision = Perform | Drain | Finish | Fail | Cancel | WaitFor | Busy | Ended | Stuck


def decide(graph: FlowGraph, view: JournalView) -> Decision:
    """Say what may happen next. Pure: reads the two and nothing else."""
    if view.finished is not None:
        return Ended(view.finished)
    end = _end(graph, view)
    if end is not None:
        return Drain(tuple(view.open), _REASONS[type(end)]) if view.open else end
    steps, skips = _startable(view), tuple(view.dead)
    if steps or skips:
        return Perform(steps, skips)
    if view.open:
        return Busy(tuple(view.open))
    held = tuple(dict.fromkeys((*view.waiting, *view.cut)))
    return WaitFor(held) if held else Stuck()


def _end(graph: FlowGraph, view: JournalView) -> Cancel | Fail | Finish | None:
    if graph.exit in view.results:
        return Finish(view.results[graph.exit])
    if view.cancelled_by is not None:
        return Cancel(view.cancelled_by)
    if view.failure is not None:
        return Fail(view.failure)
    if graph.exit in view.skipped or graph.exit in view.dead:
        message = f"Every way to {graph.exit!r} was left out, so the run has no result. Give each choice a way there."
        return Fail({"code": "exit_not_reached", "message": message, "node_id": graph.exit})
    return None


_REASONS: dict[type[Cancel | Fail | Finish], Literal["cancelled", "failed", "not_needed"]] = {
    Cancel: "cancelled",
    Fail: "failed",
    Finish: "not_needed",
}


def _startable(view: JournalView) -> tuple[Step, ...]:
    repeatable = [node_id for node_id, intended in view.cut.items() if intended.data.get("may_repeat") is True]
    return tuple(
        Step(node_id, view.attempts.get(node_id, 0) + 1, view.retry_seconds.get(node_id, 0.0))
        for node_id in (*repeatable, *view.ready)
    )
