# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tells of runs that have ended, and of their steps, to whoever watches: what models were asked stands below them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from llm.adapters.telemetry import open_tracer_here
from llm.engine.telemetry import Attributes, Past, nanoseconds, span_id_of
from llm.operations.askers import Asker
from llm.operations.tracing import of_asker

if TYPE_CHECKING:
    from llm.adapters.otlp import OtlpTracer


@dataclass(frozen=True, slots=True)
class ToldStep:
    """A step that reached outside or held others; ``error`` is the code of why it failed."""

    key: str
    began: datetime
    ended: datetime
    attempts: int
    outcome: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ToldRun:
    """A run that has ended. ``is_whole``: whether ``steps`` are all that it had."""

    asker: Asker
    began: datetime
    ended: datetime
    status: str
    steps: Sequence[ToldStep]
    error: str | None = None
    is_whole: bool = True


def tell_runs(runs: Sequence[ToldRun]) -> None:
    """Tell of runs, in this thread; nobody waits for them to be sent. Twice told is told under the same ids."""
    tracer = open_tracer_here()
    if tracer is not None:
        for run in runs:
            if run.asker.run_id is not None:
                _tell(tracer, run, run.asker.run_id)


def _tell(tracer: "OtlpTracer", run: ToldRun, run_id: UUID) -> None:
    told: Attributes = {**of_asker(run.asker), "codexos.outcome": run.status, "codexos.steps": len(run.steps)}
    if not run.is_whole:
        told["codexos.steps_left_out"] = True
    whole = span_id_of(run_id)
    began, ended = nanoseconds(run.began), nanoseconds(run.ended)
    tracer.tell(Past("run", told, whole, b"", began, ended, run.error), trace_id=run_id.bytes)
    for step in run.steps:
        tracer.tell(_of_step(step, run_id, parent_id=whole), trace_id=run_id.bytes)


def _of_step(step: ToldStep, run_id: UUID, *, parent_id: bytes) -> Past:
    told: Attributes = {
        "codexos.run_id": str(run_id),
        "codexos.node_id": step.key,
        "codexos.outcome": step.outcome,
        "codexos.attempts": step.attempts,
    }
    return Past(
        name=f"step {step.key}",
        attributes=told,
        span_id=span_id_of(run_id, step.key),
        parent_id=parent_id,
        began_ns=nanoseconds(step.began),
        ended_ns=nanoseconds(step.ended),
        error=step.error,
    )
