# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What happens next? Graph and journal in, decision out: the same answer on any machine."""

from dataclasses import dataclass

from agents.engine.graph import FlowGraph
from agents.engine.journal import JournalView
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Step:
    """One doing of a node that may begin now, after ``after_seconds`` where it is tried again."""

    node_id: str
    attempt: int
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Perform:
    """These steps may start."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """The exit is done: this is the run's result."""

    output: JsonValue


@dataclass(frozen=True, slots=True)
class Fail:
    """A step failed for good."""

    error: JsonObject


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


Decision = Perform | Finish | Fail | WaitFor | Busy | Ended | Stuck


def decide(graph: FlowGraph, view: JournalView) -> Decision:
    """Say what may happen next. Pure: reads the two and nothing else."""
    if view.finished is not None:
        return Ended(view.finished)
    if view.failure is not None:
        return Fail(view.failure)
    if graph.exit in view.results:
        return Finish(view.results[graph.exit])
    steps = _startable(view)
    if steps:
        return Perform(steps)
    if view.open:
        return Busy(tuple(view.open))
    held = tuple(dict.fromkeys((*view.waiting, *view.cut)))
    return WaitFor(held) if held else Stuck()


def _startable(view: JournalView) -> tuple[Step, ...]:
    repeatable = [node_id for node_id, intended in view.cut.items() if intended.data.get("may_repeat") is True]
    return tuple(
        Step(node_id, view.attempts.get(node_id, 0) + 1, view.retry_seconds.get(node_id, 0.0))
        for node_id in (*repeatable, *view.ready)
    )
