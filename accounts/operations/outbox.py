# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""News for the floors above, written in the transaction of the change and delivered at least once."""

from collections.abc import Callable

from django.db.transaction import on_commit

from accounts.models import OutboxEvent
from accounts.tasks import deliver_outbox
from accounts.workers import outbox
from codexos.kernel.events import DomainEvent, event_type, to_payload


def publish_event(event: DomainEvent) -> None:
    """Put an event into the outbox; subscribers hear of it after the commit."""
    OutboxEvent.objects.create(organization_id=event.organization_id, name=event.name, payload=to_payload(event))
    # Robust: the change has happened by then, and a message that gets lost is made up for by the sweep.
    on_commit(lambda: deliver_outbox.delay(str(event.organization_id)), robust=True)


def subscribe(name: str, subscriber: Callable[[DomainEvent], None]) -> None:
    """Let ``subscriber`` hear of every event called ``name``; for the apps above, in their apps.py.

    It runs in the transaction of its delivery and may be called twice for one event. Raises EventUnknown.
    """
    outbox.subscribe(event_type(name).name, subscriber)
