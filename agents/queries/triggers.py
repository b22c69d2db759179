# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading triggers and their firings. Fetching is the check; two lookups are asked before an organization is known."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.actor import Actor
from accounts.queries.access import insist
from accounts.queries.pages import Page, page_of
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from agents.engine.cron import read_schedule
from agents.errors import TriggerNotFound
from agents.models import Firing, Trigger
from agents.queries.flows import access_flow
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed
from codexos.kernel.ids import parse_id

PREVIEWED = 5


class DueTrigger(NamedTuple):
    """A trigger whose moment has come, and whose it is."""

    id: UUID
    organization_id: UUID
    next_at: datetime


class FoundWebhook(NamedTuple):
    """What a call to a webhook is checked by; its secrets are sealed."""

    organization_id: UUID
    style: str
    secret: bytes
    old_secret: bytes | None
    old_secret_until: datetime | None


BEFORE_ALL = DueTrigger(UUID(int=0), UUID(int=0), datetime.min.replace(tzinfo=UTC, year=1900))


@in_organization
def access_trigger(actor: Actor, trigger_id: UUID | str, *, to: Permission = Permission.SEE) -> Trigger:
    """Return one trigger. Raises TriggerNotFound, NotAllowed."""
    wanted = parse_id(str(trigger_id))
    row = _visible_triggers(actor).filter(pk=wanted).first() if wanted else None
    if row is None:
        raise TriggerNotFound(f"No trigger {str(trigger_id)!r}. Check its id, or list /api/v1/triggers/.")
    insist(actor, to, row)
    return row


def insist_own(actor: Actor, trigger: Trigger) -> None:
    """Raise NotAllowed unless a trigger is the actor's to change: its runs act as who made it."""
    insist(actor, Permission.RUN_FLOWS, trigger)
    if trigger.person_id != actor.person_id:
        raise NotAllowed(
            f"Runs of this trigger act as {trigger.person}, so only they change it. Make one of your own; leads of the "
            "team may pause and delete it."
        )


def insist_may_stop(actor: Actor, trigger: Trigger) -> None:
    """Raise NotAllowed unless the actor may pause and delete a trigger: its maker, or a lead of the team."""
    if not may_stop_trigger(actor, trigger):
        insist_own(actor, trigger)


def may_change_trigger(actor: Actor, trigger: Trigger) -> bool:
    """Tell whether a trigger is the actor's to change."""
    return trigger.person_id == actor.person_id and actor.may(Permission.RUN_FLOWS, trigger)


def may_stop_trigger(actor: Actor, trigger: Trigger) -> bool:
    """Tell whether the actor may pause and delete a trigger."""
    return may_change_trigger(actor, trigger) or actor.may(Permission.MANAGE_PROJECTS, trigger)


@in_organization
def list_triggers(
    actor: Actor, *, flow: UUID | str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[Trigger]:
    """Return the triggers the actor may see, newest first: all, or those of one flow. Raises FlowNotFound."""
    rows = _visible_triggers(actor)
    if flow is not None:
        rows = rows.filter(flow=access_flow(actor, flow))
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def list_firings(actor: Actor, trigger_id: UUID | str, *, cursor: str | None = None, limit: int = 50) -> Page[Firing]:
    """Return the firings of a trigger, newest first. Raises TriggerNotFound."""
    rows = Firing.objects.for_organization(actor.organization_id).filter(trigger=access_trigger(actor, trigger_id))
    return page_of(rows.select_related("run", "by").defer("run__document", "run__input"), cursor=cursor, limit=limit)


@in_organization
def last_firings(actor: Actor, trigger_ids: Sequence[UUID]) -> Mapping[UUID, Firing]:
    """Return the newest firing of each of the triggers the actor has access to, by trigger."""
    rows = Firing.objects.for_organization(actor.organization_id).filter(trigger_id__in=trigger_ids)
    newest = rows.select_related("run").defer("run__document", "run__input").order_by("trigger_id", "-id")
    return {row.trigger_id: row for row in newest.distinct("trigger_id")}


def upcoming(trigger: Trigger) -> list[datetime]:
    """Return when a trigger is due next: five moments of a schedule, one of a moment, none of what is stopped."""
    if trigger.next_at is None:
        return []
    schedule = trigger.schedule
    return [trigger.next_at, *(schedule.following(trigger.next_at, count=PREVIEWED - 1) if schedule else ())]


def preview_schedule(expression: str, *, zone: str) -> list[datetime]:
    """Return the next moments of a schedule that somebody is writing. Raises ScheduleInvalid."""
    return read_schedule(expression, zone=zone).following(clock.now(), count=PREVIEWED)


def list_due_triggers(moment: datetime, *, after: DueTrigger, most: int) -> list[DueTrigger]:
    """Return triggers of every organization that are due, the longest due first, those behind ``after``."""
    with connection.cursor() as cursor:
        cursor.execute("select * from app.due_triggers(%s, %s, %s, %s)", [moment, after.next_at, after.id, most])
        return [DueTrigger(*row) for row in cursor.fetchall()]


def find_webhook(trigger_id: UUID) -> FoundWebhook | None:
    """Return what calls to a webhook are checked by, whoever's it is."""
    with connection.cursor() as cursor:
        cursor.execute("select * from app.find_webhook(%s)", [trigger_id])
        row = cursor.fetchone()
    return FoundWebhook(*row) if row else None


def hook_address(trigger: Trigger) -> str:
    """Return where a webhook is called."""
    return f"{settings.CODEXOS_URL}/hooks/{trigger.pk}/"


def _visible_triggers(actor: Actor) -> OrganizationQuerySet[Trigger]:
    rows = Trigger.objects.for_organization(actor.organization_id).select_related("project", "person", "flow")
    rows = rows.defer("flow__draft", "flow__source")
    if not actor.sees_every_team:
        rows = rows.filter(project__team_id__in=actor.team_ids)
    if actor.project_id is not None:
        rows = rows.filter(project_id=actor.project_id)
    return rows
