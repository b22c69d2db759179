# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""News for the floors above, written in the transaction of the change and delivered at least once."""

import json
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from django.db import connection
from django.db.transaction import on_commit

from accounts.tasks import deliver_outbox
from accounts.workers import outbox
from codexos.kernel import clock
from codexos.kernel.events import DomainEvent, event_type, to_payload
from codexos.kernel.ids import new_id

_PUBLISH = """
insert into accounts_outboxevent (id, organization_id, created_at, name, payload, attempts)
select id, %s, %s, name, payload, 0 from unnest(%s::uuid[], %s::text[], %s::jsonb[]) as t(id, name, payload)
"""


def publish_event(event: DomainEvent) -> None:
    """Put an event into the outbox; subscribers hear of it after the commit."""
    publish_events([event], organization_id=event.organization_id)
    # Robust: the change has happened by then, and a message that gets lost is made up for by the sweep.
    on_commit(lambda: deliver_outbox.delay(str(event.organization_id)), robust=True)


def publish_events(events: Sequence[DomainEvent], *, organization_id: UUID) -> None:
    """Put several events of one organization into the outbox; whoever does it says then that they are there."""
    names, payloads = [event.name for event in events], [json.dumps(to_payload(event)) for event in events]
    # Plainly: every run that ends comes through here.
    with connection.cursor() as cursor:
        cursor.execute(_PUBLISH, [organization_id, clock.now(), [new_id() for _event in events], names, payloads])


def deliver_events(organization_ids: Iterable[UUID]) -> None:
    """Let what was put into the outboxes of some organizations be delivered soon: one message for all."""
    deliver_outbox.delay(*map(str, organization_ids))


def subscribe(name: str, subscriber: Callable[[DomainEvent], None]) -> None:
    """Let ``subscriber`` hear of every event called ``name``; for the apps above, in their apps.py.

    It runs in the transaction of its delivery and may be called twice for one event. Raises EventUnknown.
    """
    outbox.subscribe(event_type(name).name, subscriber)
