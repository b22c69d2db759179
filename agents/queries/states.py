# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The state of a run while it goes on: its steps, what they gave, its variables, what was spent where."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from accounts.actor import Actor
from accounts.queries.pages import Page, check_limit
from accounts.tenancy import in_organization
from agents.queries.progress import NodeView, Progress, folded, said_by
from agents.queries.runs import access_content, list_entries_of
from agents.queries.steps import StepView, view_step
from codexos.kernel.chat import Usage
from codexos.kernel.errors import InvalidInput
from codexos.kernel.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """What a step waits for: people, or a moment."""

    reason: str
    message: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step in a list: its facts, and what it waits for."""

    facts: NodeView
    waits_for: WaitsFor | None


@dataclass(frozen=True, slots=True)
class RunState:
    """What a run holds by now: variables, results of its own nodes by their ids, and what was spent by node."""

    last_seq: int
    status: str
    variables: Mapping[str, JsonValue]
    results: Mapping[str, JsonValue]
    spent: Sequence[NodeView]
    usage: Usage


@in_organization
def list_steps(
    actor: Actor, run_id: str, *, lane: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[StepLine]:
    """Return the steps of a run, those of its own nodes first, then those of lanes as they came; or of one lane.

    Raises RunNotFound, RunContentExpired, InvalidInput.
    """
    limit, first = check_limit(limit), _opened(cursor)
    run = access_content(actor, run_id)
    with folded(actor, run) as progress:
        steps = _steps_of(progress, lane)
        rows = [_line(progress, step) for step in steps[first : first + limit]]
        has_more = len(steps) > first + limit
    return Page(
        rows,
        next_cursor=_sealed(first + limit) if has_more else None,
        previous_cursor=_sealed(max(0, first - limit)) if first else None,
    )


@in_organization
def read_step(actor: Actor, run_id: UUID | str, key: str | None) -> tuple[StepLine, StepView]:
    """Return everything about one step, the first where none is named. Raises RunNotFound, RunContentExpired."""
    run = access_content(actor, run_id)
    with folded(actor, run) as progress:
        key = key or progress.own_steps[0].id
        told = list_entries_of(actor, run.id, key)
        seen = view_step(run, told, progress=progress, key=key)
        return _line(progress, progress.steps[key]), seen


@in_organization
def read_state(actor: Actor, run_id: str) -> RunState:
    """Return what a run holds by now. Raises RunNotFound, RunContentExpired."""
    run = access_content(actor, run_id)
    with folded(actor, run) as progress:
        view = progress.view
        return RunState(
            last_seq=view.last_seq,
            status=str((view.finished or {}).get("status") or run.status),
            variables=dict(view.root.variables),
            results=dict(view.results),
            spent=[replace(step) for step in progress.own_steps if step.spent is not None],
            usage=view.usage,
        )


def _steps_of(progress: Progress, lane: str | None) -> Sequence[NodeView]:
    if lane is None:
        return list(progress.steps.values())
    return progress.steps_in(lane) if lane else progress.own_steps


def _line(progress: Progress, step: NodeView) -> StepLine:
    # A copy: what was lent goes on with the run.
    return StepLine(replace(step), _waits_for(progress, step.id))


def _waits_for(progress: Progress, key: str) -> WaitsFor | None:
    if entry := progress.waiting_at(key):
        return WaitsFor(said_by(entry, "reason"), said_by(entry, "message"), progress.view.alarms.get(key))
    if until := progress.view.resting.get(key):
        return WaitsFor("retry", "It is tried again after a rest.", until)
    return None


def _sealed(index: int) -> str:
    return base64.urlsafe_b64encode(b"step %d" % index).decode().rstrip("=")


def _opened(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raw = b""
    name, _, index = raw.partition(b" ")
    if name != b"step" or not index.isdigit() or len(index) > 9:
        message = "This cursor is not one of ours. Take it from 'next' or 'previous'."
        raise InvalidInput(message, errors=[{"place": "cursor", "message": message}])
    return int(index)
