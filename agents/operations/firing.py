# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Firing triggers: by the clock and by webhooks. A firing and its run are written in one transaction, so each moment
and each delivery starts one run at most, and none is lost when a process dies in between.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from secrets import token_urlsafe
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.operations.audit import record_event
from accounts.queries.grants import load_actor
from accounts.queries.lookups import list_organization_ids
from accounts.queries.tokens import is_token_open
from accounts.roles import Permission, Role
from accounts.tenancy import tenant
from agents.engine.hooks import HookCall, call_of, input_of, read_body, signature_of
from agents.errors import DeliveryReused, FiringRefused, SignatureInvalid, TriggerDisabled
from agents.models import GRACE, Firing, Missed, Trigger
from agents.operations.runs import RunRequest, accept_run
from agents.operations.triggers import UNKNOWN_WEBHOOK, given, open_secret, seal_secret
from agents.queries.triggers import BEFORE_ALL, DueTrigger, FoundWebhook, find_webhook, list_due_triggers
from codexos.kernel import clock
from codexos.kernel.errors import Broken, CodexosError, NotAllowed, NotFound
from codexos.kernel.ids import OrganizationId, PersonId, ProjectId, TokenId, parse_id
from codexos.kernel.jsontypes import JsonValue

BATCH = 100
MOST_A_TICK = 1_000
KEPT = timedelta(days=90)
_PAUSED = "Somebody paused it. Resume it, then send again."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a webhook's call: its firing, and whether it stood already."""

    firing: Firing
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a webhook: its id, what its body came to where it brought that id, and what it says."""

    id: str
    body_sha256: bytes | None
    sent: JsonValue


def fire_due_triggers() -> int:
    """Fire what is due in every organization, the longest due first; return how many. Several may do so at once.

    One that breaks is told in the log, left as it is and tried again with the next tick: it holds up no other.
    """
    now, after, fired = clock.now(), BEFORE_ALL, 0
    while fired < MOST_A_TICK and (batch := list_due_triggers(now, after=after, most=BATCH)):
        for due in batch:
            try:
                fired += _fire_if_due(due, now)
            except Exception:
                _log.exception("Trigger %s could not be fired; it is tried again.", due.id)
        after = batch[-1]
    return fired


def forget_firings() -> None:
    """Delete firings of every organization that are older than KEPT; the runs they started stay."""
    for organization_id in list_organization_ids():
        with tenant(organization_id):
            rows = Firing.objects.for_organization(organization_id)
            rows.filter(created_at__lt=clock.now() - KEPT).delete()


def receive_webhook(trigger_id: str, *, headers: Mapping[str, str], body: bytes) -> Received:
    """Start a run by a webhook's call; sent again, the same call starts nothing and is told the first run.

    Raises HookBodyInvalid, SignatureInvalid, DeliveryReused, TriggerDisabled, FiringRefused. A refused call may be sent
    again.
    """
    call = call_of(headers, body=body)
    id_ = parse_id(trigger_id) or UNKNOWN_WEBHOOK
    hook = find_webhook(id_)
    signature = _signature_of(id_, hook, call)
    if hook is None or signature is None:
        raise SignatureInvalid
    sent = read_body(call.body, content_type=call.content_type)
    delivery = Delivery(call.delivery or signature, hashlib.sha256(call.body).digest() if call.delivery else None, sent)
    received = _deliver(id_, hook.organization_id, delivery=delivery)
    if received.firing.is_refused:
        raise FiringRefused(f"No run was started. {received.firing.reason}", reason=received.firing.code)
    return received


def _fire_if_due(due: DueTrigger, now: datetime) -> bool:
    with tenant(due.organization_id):
        row = (
            Trigger.objects.for_organization(due.organization_id)
            .select_related("person")
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .filter(pk=due.id, next_at__lte=now)
            .first()
        )
        # Another scheduler has it in hand, or has fired it already.
        if row is None or row.next_at is None:
            return False
        firing, is_mine = _claim(row, due_at=_advance(row, row.next_at, now))
        if is_mine and row.is_enabled:
            _meet(row, firing, now)
        row.save(update_fields=["next_at", "is_enabled", "reason"])
    return True


def _advance(row: Trigger, first: datetime, now: datetime) -> datetime:
    """Set when the trigger is due next, and return the moment it is due for: the latest that has come."""
    row.next_at = None
    try:
        schedule = row.schedule
    except CodexosError as error:
        # A time zone may be gone from a newer list of them.
        row.disable(error.message)
        return first
    if schedule is None:
        return first
    moment = schedule.last_until(now, first=first)
    row.next_at = schedule.next_after(now)
    return moment


def _meet(row: Trigger, firing: Firing, now: datetime) -> None:
    if row.missed == Missed.SKIP and firing.due_at is not None and now - firing.due_at > GRACE:
        firing.code, firing.reason = "missed", "Nothing was up to meet this moment, and missed ones are to be skipped."
        firing.save(update_fields=["code", "reason"])
        return
    _start(row, firing, given(row.input))


def _deliver(trigger_id: UUID, organization_id: UUID, *, delivery: Delivery) -> Received:
    with tenant(organization_id):
        rows = Trigger.objects.for_organization(organization_id).select_related("person")
        row = rows.filter(pk=trigger_id).first()
        if row is None:
            raise SignatureInvalid
        firing, is_mine = _claim(row, body_sha256=delivery.body_sha256, delivery=delivery.id)
        if not is_mine and not _is_same_call(firing, delivery):
            raise DeliveryReused(delivery=delivery.id)
        if not is_mine and not firing.is_refused:
            return Received(firing, is_replay=True)
        if not row.is_enabled:
            # Leaves no trace: sent again once it is resumed, the call starts its run.
            raise TriggerDisabled(row.reason or _PAUSED)
        # Whoever called wrote it: what comes of that is followed through the run.
        _start(row, firing, input_of(delivery.sent, fixed=row.input), labels=[f"webhook:{row.name}"])
        if not row.is_enabled:
            row.save(update_fields=["next_at", "is_enabled", "reason"])
    return Received(firing, is_replay=False)


def _is_same_call(firing: Firing, delivery: Delivery) -> bool:
    # A signature says itself what it is of; of what came before bodies were noted nobody knows better.
    return firing.body_sha256 is None or bytes(firing.body_sha256) == delivery.body_sha256


def _claim(row: Trigger, *, body_sha256: bytes | None = None, **once: datetime | str) -> tuple[Firing, bool]:
    """Return the firing of a moment or a delivery, held, and whether it is new; waits for who writes it now."""
    mine = Firing(organization_id=row.organization_id, trigger=row, body_sha256=body_sha256, **once)
    Firing.objects.bulk_create([mine], ignore_conflicts=True)
    rows = Firing.objects.for_organization(row.organization_id).select_for_update(of=("self",))
    found = rows.get(trigger=row, **once)
    return found, found.pk == mine.pk


def _start(row: Trigger, firing: Firing, input: JsonValue, *, labels: Sequence[str] = ()) -> None:
    """Start the run of a firing, or write down why there is none. What passes by itself is raised."""
    firing.code = firing.reason = ""
    try:
        asked = RunRequest(agent_id=str(row.flow_id), input=input, project=str(row.project_id), labels=labels)
        firing.run = accept_run(_acting(row), request=asked)
    except CodexosError as error:
        if error.retryable or isinstance(error, Broken):
            raise
        firing.code, firing.reason = error.code, error.message[:500]
        # Nobody's rights start anything: it stays stopped until somebody who may sets it going again.
        if isinstance(error, NotAllowed | NotFound):
            row.disable(firing.reason)
            record_event(_named(row), "trigger.disabled", about=row, reason=firing.reason)
    firing.save(update_fields=["run", "code", "reason"])


def _acting(row: Trigger) -> Actor:
    """Return whom a trigger acts as now. Raises NotAllowed where they have left, or its token has ended."""
    actor = load_actor(row.person, organization_id=row.organization_id)
    if actor is None:
        raise NotAllowed(
            f"{row.person} made this trigger and is no longer a member of this organization. Make one of your own."
        )
    if row.token_id is not None and not is_token_open(row.token_id, organization_id=row.organization_id):
        raise NotAllowed("The API token that this trigger was made with has ended. Save the trigger again to go on.")
    return replace(
        actor,
        kind=ActorKind.SCHEDULE,
        token_id=TokenId(row.token_id) if row.token_id else None,
        project_id=ProjectId(row.project_id),
        limit=None if row.limit is None else frozenset(map(Permission, row.limit)),
    )


def _named(row: Trigger) -> Actor:
    # For the trail only: it asks for nobody's permission, so it works for somebody who has left.
    return Actor(
        kind=ActorKind.SCHEDULE,
        person_id=PersonId(row.person_id),
        organization_id=OrganizationId(row.organization_id),
        role=Role.VIEWER,
        label=row.person.email,
    )


def _signature_of(trigger_id: UUID, hook: FoundWebhook | None, call: HookCall) -> str | None:
    # An unknown webhook costs what a known one costs: the same look-up, the same opening, the same comparison.
    found, now = hook or _nobodys(), clock.now()
    place = trigger_id if hook else UNKNOWN_WEBHOOK
    known = [open_secret(place, found.secret)]
    if found.old_secret is not None and found.old_secret_until is not None and now < found.old_secret_until:
        known.append(open_secret(place, found.old_secret))
    return signature_of(call, style=found.style, secrets=known, now=now)


@cache
def _nobodys() -> FoundWebhook:
    sealed = seal_secret(UNKNOWN_WEBHOOK, token_urlsafe(32))
    return FoundWebhook(UNKNOWN_WEBHOOK, "codexos", sealed, None, None)
