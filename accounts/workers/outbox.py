# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Delivers outbox events to their subscribers, in order, at least once."""

from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from codexos.kernel.events import DomainEvent, from_payload

from accounts.models import OutboxEvent
from accounts.tenancy import tenant
from codexos.kernel import clock

Subscriber = Callable[[DomainEvent], None]
_subscribers: defaultdict[str, list[Subscriber]] = defaultdict(list)


def subscribe(name: str, subscriber: Subscriber) -> None:
    """Call ``subscriber`` for every event called ``name``; it may be called twice for one event."""
    _subscribers[name].append(subscriber)


def deliver(organization_id: UUID) -> None:
    """Hand each undelivered event of one organization to its subscribers; stops at the first that fails."""
    while _deliver_next(organization_id):
        pass


def _deliver_next(organization_id: UUID) -> bool:
    with tenant(organization_id):
        row = (
            OutboxEvent.objects.for_organization(organization_id)
            .select_for_update(skip_locked=True)
            .filter(delivered_at=None)
            .order_by("id")
            .first()
        )
        if row is None:
            return False
        for subscriber in _subscribers[row.name]:
            subscriber(from_payload(row.name, row.payload))
        row.delivered_at = clock.now()
        row.save(update_fields=["delivered_at"])
        return True
