# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""News for the floors above, written in the transaction of the change and delivered at least once."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.db.transaction import on_commit

from accounts.models import OutboxEvent
from accounts.tasks import deliver_outbox
from accounts.workers import outbox
from codexos.kernel.events import DomainEvent, event_type, to_payload


def publish_event(event: DomainEvent) -> None:
    """Put an event into the outbox; subscribers hear of it after the commit."""
    publish_events([event], organization_id=event.organization_id)


def publish_events(events: Sequence[DomainEvent], *, organization_id: UUID) -> None:
    """Put several events of one organization into the outbox."""
    OutboxEvent.objects.bulk_create(
        OutboxEvent(organization_id=organization_id, name=event.name, payload=to_payload(event)) for event in events
    )
    # Robust: the change has happened by then, and a message that gets lost is made up for by the sweep.
    on_commit(lambda: deliver_outbox.delay(str(organization_id)), robust=True)


def subscribe(name: str, subscriber: Callable[[DomainEvent], None]) -> None:
    """Let ``subscriber`` hear of every event called ``name``; for the apps above, in their apps.py.

    It runs in the transaction of its delivery and may be called twice for one event. Raises EventUnknown.
    """
    outbox.subscribe(event_type(name).name, subscriber)
