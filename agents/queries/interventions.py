# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may step into a run, and what people have asked of it that it has not come to yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actor import Actor
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.models import InboxMessage, Run, RunStatus
from agents.queries.runs import visible_runs

MOST_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for the run's end, and what was decided about each node, by the ids of the messages."""

    cancelled_by: str = ""
    decisions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def may_step_in(actor: Actor, run: Run) -> bool:
    """Tell whether the actor may cancel a run or decide for it: who started it, or leads of its team and above."""
    is_theirs = run.person_id == actor.person_id or actor.may(Permission.MODIFY_TEAM_TEMPLATES, run)
    return is_theirs and actor.may(Permission.RUN_FLOWS, run)


@in_organization
def list_waiting(actor: Actor, *, limit: int) -> Sequence[Run]:
    """Return the runs that wait for a person and that the actor may decide about, newest first."""
    runs = visible_runs(actor).filter(status=RunStatus.WAITING).defer("document", "input", "context")
    runs = runs.select_related(None).select_related("project", "person")
    return [run for run in runs.order_by("-id")[:MOST_LOOKED_AT] if may_step_in(actor, run)][:limit]


@in_organization
def list_asked(actor: Actor, run_id: UUID) -> Asked:
    """Return what was asked of a run the actor has access to."""
    rows = InboxMessage.objects.for_organization(actor.organization_id).filter(run_id=run_id).select_related("by")
    cancelled_by, decisions = "", {}
    for row in rows.order_by("id"):
        if row.kind == InboxMessage.Kind.CANCEL:
            cancelled_by = str(row.by)
        else:
            decisions[str(row.id)] = {"by": str(row.by), **{name: str(row.data[name]) for name in _SAID}}
    return Asked(cancelled_by, decisions)


_SAID = ("node_id", "decision")
