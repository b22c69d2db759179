# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may step into a run, and what people have asked of it that it has not come to yet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.models import Person
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.engine.post import APPROVAL
from agents.models import InboxMessage, Run, RunStatus
from agents.queries.runs import visible_runs
from codexos.kernel.jsontypes import JsonObject

MOST_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for the run's end; by the ids of the messages what was decided, and whether a pause was asked for."""

    cancelled_by: str = ""
    decisions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pauses: Mapping[str, bool] = field(default_factory=dict)

    def wants_pause(self, taken: Collection[str]) -> bool:
        """Whether somebody asked for a pause that the run has not come to yet."""
        return any(is_pause for message_id, is_pause in list(self.pauses.items())[-1:] if message_id not in taken)


def may_step_in(actor: Actor, run: Run) -> bool:
    """Tell whether the actor may cancel a run or decide for it: who started it, or leads of its team and above."""
    is_theirs = run.person_id == actor.person_id or actor.may(Permission.MODIFY_TEAM_TEMPLATES, run)
    return is_theirs and actor.may(Permission.RUN_FLOWS, run)


def deciders_of(told: JsonObject) -> Sequence[str]:
    """Return the roles and addresses that a waiting step names as those who decide; none where it names nobody."""
    named = told.get("deciders") if told.get("reason") == APPROVAL else None
    return [str(each) for each in named] if isinstance(named, list | tuple) else ()


def may_decide(actor: Actor, run: Run, told: JsonObject) -> bool:
    """Tell whether the actor, who sees the run, may decide about a step that waits: those it names may, and nobody
    else; where it names nobody, who may step in. Of some calls whoever asked for the run may not approve.
    """
    if told.get("not_requester") is True and actor.person_id == run.person_id:
        return False
    named = {each.strip().casefold() for each in deciders_of(told)}
    if not named:
        return may_step_in(actor, run)
    # A viewer may be named; a token that only reads may not be used for it.
    if actor.limit is not None and Permission.RUN_FLOWS not in actor.limit:
        return False
    return actor.role.value in named or _address_of(actor) in named


def _address_of(actor: Actor) -> str:
    if actor.kind is ActorKind.PERSON:
        # Its label is the address, which was read with its standing.
        return actor.label.casefold()
    found = Person.objects.filter(pk=actor.person_id).values_list("email", flat=True).first()
    return (found or "").casefold()


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
    cancelled_by, decisions, pauses = "", {}, {}
    for row in rows.order_by("id"):
        if row.kind == InboxMessage.Kind.CANCEL:
            cancelled_by = str(row.by)
        elif row.kind == InboxMessage.Kind.DECIDE:
            decisions[str(row.id)] = {"by": str(row.by), **{name: str(row.data[name]) for name in _SAID}}
        else:
            pauses[str(row.id)] = row.kind == InboxMessage.Kind.PAUSE
    return Asked(cancelled_by, decisions, pauses)


_SAID = ("node_id", "decision")
