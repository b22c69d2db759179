# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""News for the floors above, written in the transaction of the change and delivered at least once."""

from codexos.kernel.events import DomainEvent, to_payload
from django.db.transaction import on_commit

from accounts.models import OutboxEvent
from accounts.tasks import deliver_outbox


def publish_event(event: DomainEvent) -> None:
    """Put an event into the outbox; subscribers hear of it after the commit."""
    OutboxEvent.objects.create(organization_id=event.organization_id, name=event.name, payload=to_payload(event))
    on_commit(lambda: deliver_outbox.delay(str(event.organization_id)))
