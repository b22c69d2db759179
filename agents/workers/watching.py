# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is told of ended runs to whoever the operator has watch: when which step was done, out of the journal."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.tenancy import tenant
from agents.engine.journal import decode_data
from agents.models import JournalEntry
from llm.operations.askers import Asker
from llm.operations.told_runs import ToldRun, ToldStep, tell_runs
from llm.operations.tracing import is_watched

logger = logging.getLogger(__name__)

MOST_STEPS_TOLD = 500
MOST_ENTRIES_READ = 20_000
_ENDS = {"step.done": "succeeded", "step.failed": "failed", "step.skipped": "cut"}
_READ = ("run.started", "step.intended", "run.finished", *_ENDS)


class EndedRun(NamedTuple):
    """A run that has ended, by its row."""

    asker: Asker
    status: str
    began: datetime | None
    ended: datetime


class _Line(NamedTuple):
    type: str
    node_id: str | None
    attempt: int
    at: datetime


def watch_ended(runs: Sequence[EndedRun]) -> None:
    """Tell of runs of one organization where anybody watches. Of trouble with it a line in the log is all."""
    if not runs or not is_watched():
        return
    try:
        with tenant(runs[0].asker.organization_id):
            told = [_told(run, run.asker.run_id) for run in runs if run.asker.run_id is not None]
        tell_runs(told)
    except Exception:
        logger.warning("%s ended runs could not be told to the receiver of telemetry", len(runs), exc_info=True)


def _told(run: EndedRun, run_id: UUID) -> ToldRun:
    rows = JournalEntry.objects.for_organization(run.asker.organization_id).filter(run_id=run_id).order_by("seq")
    read = rows.filter(type__in=_READ).values_list("type", "node_id", "attempt", "at")[:MOST_ENTRIES_READ]
    lines = [_Line(*row) for row in read]
    failed = rows.filter(type__in=("step.failed", "run.finished")).values_list("node_id", "delta")
    has_failed = run.status == "failed" or any(line.type == "step.failed" for line in lines)
    codes = {node_id: _code(bytes(delta)) for node_id, delta in failed[:MOST_STEPS_TOLD]} if has_failed else {}
    steps = steps_told(lines, codes=codes, ended=run.ended)
    return ToldRun(
        asker=run.asker,
        began=run.began or run.ended,
        ended=run.ended,
        status=run.status,
        steps=steps[:MOST_STEPS_TOLD],
        error=codes.get(None) or ("failed" if run.status == "failed" else None),
        is_whole=len(steps) <= MOST_STEPS_TOLD and len(lines) < MOST_ENTRIES_READ,
    )


def steps_told(lines: Iterable[_Line], *, codes: Mapping[str | None, str | None], ended: datetime) -> list[ToldStep]:
    """Return the steps that were begun here, in their order; what was kept from another run is that run's to tell."""
    found: dict[str, ToldStep] = {}
    is_here = False
    for line in lines:
        is_here = is_here or line.type == "run.started"
        if not is_here or line.node_id is None:
            continue
        key, known = line.node_id, found.get(line.node_id)
        if line.type == "step.intended":
            began = line.at if known is None else known.began
            found[key] = ToldStep(key, began, ended, line.attempt, "cut")
        elif known is not None:
            outcome = _ENDS[line.type]
            error = (codes.get(key) or "failed") if outcome == "failed" else None
            found[key] = ToldStep(key, known.began, line.at, known.attempts, outcome, error)
    return list(found.values())


def _code(delta: bytes) -> str | None:
    error = decode_data(delta).get("error")
    return str(error["code"]) if isinstance(error, Mapping) and error.get("code") else None
