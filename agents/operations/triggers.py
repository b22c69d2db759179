# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making, changing, stopping and deleting triggers, and firing one by hand."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import in_organization
from agents.errors import (
    FlowArchived,
    TriggerChanged,
    TriggerInvalid,
    TriggerNotFound,
    TriggersFull,
)
from agents.models import Firing, Flow, HookStyle, Trigger, TriggerKind
from agents.operations.runs import RunRequest, accept_run
from agents.operations.trigger_edits import TriggerEdit, apply_edit, list_problems
from agents.queries.flows import access_flow
from agents.queries.triggers import access_trigger, insist_may_stop, insist_own
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonValue
from codexos.kernel.sealing import associate, derive_key, open_sealed, seal

MOST_TRIGGERS = 50
OLD_SECRET_LIVES = timedelta(hours=24)
_PREFIX = "cos_hook_"


@dataclass(frozen=True, slots=True)
class MadeTrigger:
    """A trigger at the one moment its secret is known; the secret of one that is no webhook is empty."""

    trigger: Trigger
    secret: str = ""


@in_organization
def create_trigger(actor: Actor, flow: UUID | str, *, kind: str, edit: TriggerEdit) -> MadeTrigger:
    """Make a trigger. What it starts acts as the actor's person, within the actor's token where there is one.

    Raises FlowNotFound, FlowArchived, NotAllowed, NameInvalid, TriggerInvalid kinds, TriggersFull.
    """
    found = access_flow(actor, flow, to=Permission.RUN_FLOWS)
    if found.is_archived:
        raise FlowArchived(slug=found.slug)
    _check_room_for_another(found)
    if problems := list_problems(kind, edit) if kind not in TriggerKind.values else ():
        raise TriggerInvalid.of_all(problems)
    row = Trigger(
        organization_id=actor.organization_id,
        project_id=found.project_id,
        flow=found,
        kind=kind,
        person_id=actor.person_id,
    )
    secret = _give_secret(row) if row.is_webhook else ""
    row.style = HookStyle.CODEXOS if row.is_webhook else ""
    apply_edit(row, edit)
    _act_as(actor, row)
    row.save(force_insert=True)
    record_event(actor, "trigger.created", about=row, flow=str(found.id), trigger_kind=row.kind)
    return MadeTrigger(row, secret)


@in_organization
def change_trigger(
    actor: Actor, trigger_id: UUID | str, *, edit: TriggerEdit, expected: Collection[int] | None = None
) -> Trigger:
    """Change, pause or resume a trigger. ``expected`` are the revisions the edit may have been made from.

    Moments that passed while it was paused are not made up for. Raises TriggerNotFound, TriggerChanged, NotAllowed,
    NameInvalid, TriggerInvalid kinds.
    """
    row = _hold(actor, trigger_id, expected=expected)
    if edit.only_pauses:
        insist_may_stop(actor, row)
        row.disable()
    else:
        insist_own(actor, row)
        apply_edit(row, edit)
        _act_as(actor, row)
    row.revision += 1
    row.save()
    record_event(actor, "trigger.changed", about=row, is_enabled=row.is_enabled, revision=row.revision)
    return row


@in_organization
def delete_trigger(actor: Actor, trigger_id: UUID | str, *, expected: Collection[int] | None = None) -> None:
    """Delete a trigger and what is kept of its firings; their runs stay. Raises TriggerNotFound kinds, NotAllowed."""
    row = _hold(actor, trigger_id, expected=expected)
    insist_may_stop(actor, row)
    record_event(actor, "trigger.deleted", about=row, flow=str(row.flow_id))
    row.delete()


@in_organization
def rotate_secret(actor: Actor, trigger_id: UUID | str) -> MadeTrigger:
    """Give a webhook another secret; the one before is taken for OLD_SECRET_LIVES more, then never again.

    Raises TriggerNotFound, TriggerInvalid, NotAllowed.
    """
    row = _hold(actor, trigger_id)
    insist_own(actor, row)
    if not row.is_webhook:
        raise TriggerInvalid("kind", "Only a webhook has a secret.")
    row.old_secret, row.old_secret_until = row.secret, clock.now() + OLD_SECRET_LIVES
    secret = _give_secret(row)
    _act_as(actor, row)
    row.revision += 1
    row.save()
    record_event(actor, "trigger.rotated", about=row)
    return MadeTrigger(row, secret)


@in_organization
def fire_now(actor: Actor, trigger_id: UUID | str) -> Firing:
    """Start a run of a trigger's flow with its input, as the actor and not as who made it.

    Raises TriggerNotFound, NotAllowed and what start_run raises.
    """
    row = access_trigger(actor, trigger_id, to=Permission.RUN_FLOWS)
    asked = RunRequest(agent_id=str(row.flow_id), input=given(row.input), project=str(row.project_id))
    return Firing.objects.create(
        organization_id=actor.organization_id,
        trigger=row,
        by_id=actor.person_id,
        run=accept_run(actor, request=asked),
    )


def given(value: JsonValue) -> JsonValue:
    """Return an input as a run takes it: nothing is the empty text."""
    return "" if value is None else value


def open_secret(trigger_id: UUID, sealed: bytes) -> bytes:
    """Return a webhook's secret as it is used for signing. Raises SealBroken."""
    return open_sealed(_key(), bytes(sealed), associated=_place(trigger_id))


def seal_secret(trigger_id: UUID, value: str) -> bytes:
    """Return a webhook's secret as it is kept; it opens for this trigger only."""
    return seal(_key(), value.encode(), associated=_place(trigger_id))


def _give_secret(row: Trigger) -> str:
    value = _PREFIX + secrets.token_urlsafe(32)
    row.secret = seal_secret(row.id, value)
    return value


def _hold(actor: Actor, trigger_id: UUID | str, *, expected: Collection[int] | None = None) -> Trigger:
    found = access_trigger(actor, trigger_id)
    rows = Trigger.objects.for_organization(actor.organization_id).select_related("project", "person", "flow")
    row = rows.select_for_update(no_key=True, of=("self",)).filter(pk=found.pk).first()
    if row is None:
        raise TriggerNotFound(f"Trigger {found.name!r} was deleted just now.")
    if expected is not None and row.revision not in expected:
        raise TriggerChanged(name=row.name, revision=row.revision)
    return row


def _act_as(actor: Actor, row: Trigger) -> None:
    # Whoever changed it last lends it no more than they had in hand: a token's limit holds for what it starts.
    row.token_id = actor.token_id
    row.limit = None if actor.limit is None else sorted(actor.limit)


def _check_room_for_another(flow: Flow) -> None:
    if Trigger.objects.for_organization(flow.organization_id).filter(flow=flow).count() >= MOST_TRIGGERS:
        raise TriggersFull(f"Flow {flow.slug!r} has {MOST_TRIGGERS} triggers already. Delete one that is not used.")


def _place(trigger_id: UUID) -> bytes:
    return associate("agents/trigger", str(trigger_id))


@cache
def _key() -> bytes:
    return derive_key(settings.MASTER_KEY, purpose="agents/trigger-secrets")


UNKNOWN_WEBHOOK = new_id()
"""The id of no webhook: what calls to unknown ones are checked against."""
