# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Delivers outbox events to their subscribers: in order within an organization, at least once.

A subscriber runs inside the transaction that marks its event delivered. So what it writes to the database stands or
falls with the delivery, and a worker that dies in between leaves neither: the event is simply delivered again. What
it does outside of the database (a mail, a message) it puts behind ``on_commit`` or makes repeatable, by ``event_id``.

A subscriber that fails holds back the later events of its own organization, for they may build on this one. It is
tried again with growing pauses, each failure counted and logged; other organizations do not notice.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F

from accounts.models import OutboxEvent
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.events import DomainEvent, from_payload

Subscriber = Callable[[DomainEvent], None]

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
KEPT = timedelta(days=7)
"""How long a delivered event is kept, for whoever wonders what happened."""

_LOUD_FROM = 10
_PRUNED_AT_ONCE = 5_000

log = logging.getLogger(__name__)
_subscribers: defaultdict[str, list[Subscriber]] = defaultdict(list)


def subscribe(name: str, subscriber: Subscriber) -> None:
    """Call ``subscriber`` for every event called ``name``; it may be called twice for one event."""
    if subscriber not in _subscribers[name]:
        _subscribers[name].append(subscriber)


def deliver(organization_id: UUID) -> None:
    """Hand each undelivered event of one organization to its subscribers; stops at the first that fails."""
    while _deliver_next(organization_id):
        pass


def prune(organization_id: UUID) -> int:
    """Delete the events of one organization that were delivered long ago; return how many."""
    with tenant(organization_id):
        events = OutboxEvent.objects.for_organization(organization_id)
        old = events.filter(delivered_at__lt=clock.now() - KEPT).values_list("id", flat=True)[:_PRUNED_AT_ONCE]
        return events.filter(id__in=list(old)).delete()[0]


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failures: 5 s, 10 s, 20 s … 10 min."""
    return min(FIRST_PAUSE * int(2 ** min(attempts - 1, 20)), LONGEST_PAUSE)


def _deliver_next(organization_id: UUID) -> bool:
    row: OutboxEvent | None = None
    try:
        with tenant(organization_id):
            row = _next_event(organization_id)
            if row is None:
                return False
            for subscriber in _subscribers[row.name]:
                subscriber(from_payload(row.name, row.payload))
            row.delivered_at = clock.now()
            row.save(update_fields=["delivered_at"])
    except Exception as error:
        if row is None:
            raise
        _note_failure(row, error)
        return False
    return True


def _next_event(organization_id: UUID) -> OutboxEvent | None:
    """Return the oldest undelivered event if its time has come and nobody else delivers for this organization."""
    if not _is_ours(organization_id):
        return None
    events = OutboxEvent.objects.for_organization(organization_id).filter(delivered_at=None)
    row = events.select_for_update().order_by("id").first()
    if row is None or (row.next_attempt_at is not None and row.next_attempt_at > clock.now()):
        return None
    return row


def _is_ours(organization_id: UUID) -> bool:
    # The organization is locked and not the row: a second deliverer would skip a locked row and overtake it.
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"outbox:{organization_id}"])
        return bool(cursor.fetchone()[0])


def _note_failure(row: OutboxEvent, error: Exception) -> None:
    attempts = row.attempts + 1
    with tenant(row.organization_id):
        OutboxEvent.objects.for_organization(row.organization_id).filter(id=row.id, delivered_at=None).update(
            attempts=F("attempts") + 1, next_attempt_at=clock.now() + pause_after(attempts)
        )
    log.log(
        logging.CRITICAL if attempts >= _LOUD_FROM else logging.ERROR,
        "Event %s (%s) of organization %s was not delivered, attempt %d; later events of it wait.",
        row.name,
        row.id,
        row.organization_id,
        attempts,
        exc_info=error,
    )
