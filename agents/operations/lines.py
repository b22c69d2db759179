# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether a run may begin beside others of its flow: their lines, and what a flow's policy makes of them.

Who starts a run holds its line against every other start until the run is durable, so that two windows cannot both
find nobody before them. A run that stands behind another is held back; flow workers call it when that one is over.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.tenancy import OrganizationQuerySet
from agents.errors import RunUnderWay
from agents.models import UNFINISHED, Concurrency, ConcurrencyScope, Flow, InboxMessage, Run
from agents.operations.waking import wake_workers


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a new run stands."""

    line: str = ""
    place: int = 0
    is_held_back: bool = False


def stand_in_line(actor: Actor, flow: Flow | None, *, run_id: UUID, conversation_id: str) -> Standing:
    """Find a place for the new run ``run_id`` by its flow's policy, inside the transaction that accepts it.

    Runs that it replaces are called off with it. Raises RunUnderWay.
    """
    line = _line_of(flow, conversation_id)
    if flow is None or not line:
        return Standing()
    with connection.cursor() as cursor:
        # One at a time for one line; and whoever comes next reads what this one has written.
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [line])
    before = list(_unfinished(actor, line).order_by("place"))
    if before and flow.concurrency == Concurrency.REJECT:
        raise RunUnderWay(slug=flow.slug, run_id=str(before[0].id))
    if flow.concurrency == Concurrency.REPLACE:
        _call_off(actor, line, newer=run_id)
    return Standing(line, before[-1].place + 1 if before else 1, is_held_back=bool(before))


def _line_of(flow: Flow | None, conversation_id: str) -> str:
    if flow is None or flow.concurrency == Concurrency.ALLOW:
        return ""
    if flow.concurrency_scope == ConcurrencyScope.FLOW:
        return str(flow.id)
    # A run of no conversation stands in nobody's way.
    return f"{flow.id}/{conversation_id}" if conversation_id else ""


def _unfinished(actor: Actor, line: str) -> OrganizationQuerySet[Run]:
    runs = Run.objects.for_organization(actor.organization_id).exclude(line="")
    return runs.filter(line=line, status__in=UNFINISHED).only("id", "place", "is_cancelling", "organization_id")


def _call_off(actor: Actor, line: str, *, newer: UUID) -> None:
    # In one order, as whoever else locks several runs: each waits for the other at most once. One that has ended
    # meanwhile is not among them.
    locked = _unfinished(actor, line).order_by("id").select_for_update(no_key=True, of=("self",))
    runs = list(locked.filter(is_cancelling=False))
    if not runs:
        return
    for run in runs:
        InboxMessage.objects.create(
            organization_id=actor.organization_id,
            run=run,
            kind=InboxMessage.Kind.CANCEL,
            by_id=actor.person_id,
            data={"replaced_by": str(newer)},
        )
        record_event(actor, "run.replaced", about=run, replaced_by=str(newer))
    mine = Run.objects.for_organization(actor.organization_id)
    mine.filter(pk__in=[run.pk for run in runs]).update(has_post=True, is_cancelling=True)
    wake_workers(*(run.pk for run in runs))
