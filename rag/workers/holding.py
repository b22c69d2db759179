# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Holding an ingestion: one worker has it at a time, and one that lost it writes nothing more.

A claim raises ``attempt``, and every transaction that writes for the ingestion asks for that very attempt. So a worker
that was thought dead cannot write beside the next; and one that people paused or cancelled stops at its next write.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F

from accounts.tenancy import OrganizationQuerySet, tenant
from codexos.kernel import clock
from rag.engine.ingest import rest_after
from rag.models import Ingestion, IngestionState, Source, SourceState

LEASE = timedelta(seconds=15)
"""How long a claim lasts that nobody renews: so long after its worker died an ingestion is taken up again."""
MOST_REST_SECONDS = 24 * 3600.0
_ALIVE = (IngestionState.QUEUED, IngestionState.RUNNING)
_REASON_LENGTH = 500


class HoldLost(Exception):
    """The ingestion is another's by now, or people stopped it."""


@dataclass(slots=True)
class Hold:
    """One worker's claim on an ingestion."""

    organization_id: UUID
    ingestion_id: UUID
    attempt: int
    is_lost: threading.Event = field(default_factory=threading.Event)

    def rows(self) -> OrganizationQuerySet[Ingestion]:
        """Return the query for the ingestion while it is held; to be used inside its organization."""
        rows = Ingestion.objects.for_organization(self.organization_id)
        return rows.filter(pk=self.ingestion_id, attempt=self.attempt, state=IngestionState.RUNNING)

    def note(self, **counts: int) -> None:
        """Insist on the claim, inside the transaction of what is counted. Raises HoldLost."""
        now = clock.now()
        changes: dict[str, object] = {name: F(name) + count for name, count in counts.items() if count}
        if changes:
            # It gets on, so whatever did not answer before has been forgiven.
            changes |= {"rests": 0, "reason": ""}
        if not self.rows().update(updated_at=now, claimed_until=now + LEASE, **changes):
            raise HoldLost

    def check(self) -> None:
        """Raise HoldLost where it is known that the claim is gone; asks nobody."""
        if self.is_lost.is_set():
            raise HoldLost

    def let_go(self) -> None:
        """Give the claim up, so that the next message may take it at once."""
        with tenant(self.organization_id):
            self.rows().update(claimed_until=None, updated_at=clock.now())

    def rest(self, reason: str, *, at_least: float = 0.0) -> None:
        """Give it up for a while, of so many seconds at least: something outside does not answer.

        After too many rests in a row it has failed.
        """
        with tenant(self.organization_id):
            row = self.rows().first()
            if row is None:
                return
            pause = rest_after(row.rests + 1)
            if pause is None:
                self.end(IngestionState.FAILED, reason=reason)
                return
            until = clock.now() + max(pause, timedelta(seconds=min(at_least, MOST_REST_SECONDS)))
            self.rows().update(
                state=IngestionState.QUEUED, rests=F("rests") + 1, claimed_until=until, reason=fit_reason(reason)
            )

    def end(self, state: IngestionState, *, reason: str = "") -> None:
        """Write how it ended, and that its source rests. Raises HoldLost."""
        now = clock.now()
        with tenant(self.organization_id):
            row = self.rows().first()
            if row is None:
                raise HoldLost
            self.rows().update(state=state, ended_at=now, claimed_until=None, updated_at=now, reason=fit_reason(reason))
            if row.source_id:
                sources = Source.objects.for_organization(self.organization_id).filter(pk=row.source_id)
                rests = SourceState.FAILED if state is IngestionState.FAILED else SourceState.IDLE
                # One that people paused meanwhile stays so.
                sources.filter(state=SourceState.SYNCING).update(state=rests, reason=fit_reason(reason))


def claim(organization_id: UUID, ingestion_id: UUID, *, attempt: int) -> Hold | None:
    """Take an ingestion up; None where another has it, it has ended, or the message is not the latest."""
    with tenant(organization_id):
        rows = Ingestion.objects.for_organization(organization_id).filter(pk=ingestion_id, state__in=_ALIVE)
        row = rows.select_for_update().first()
        if row is None or not _is_free(row, attempt):
            return None
        now = clock.now()
        row.attempt, row.state, row.claimed_until = row.attempt + 1, IngestionState.RUNNING, now + LEASE
        row.started_at, row.updated_at = row.started_at or now, now
        row.save(update_fields=["attempt", "state", "claimed_until", "started_at", "updated_at"])
        return Hold(organization_id, ingestion_id, row.attempt)


@contextmanager
def beating(hold: Hold) -> Iterator[None]:
    """Renew the claim from a thread beside, for whatever takes longer than it lasts."""
    is_over = threading.Event()
    heart = threading.Thread(target=_beat, args=(hold, is_over), name="ingestion-heart", daemon=True)
    heart.start()
    try:
        yield
    finally:
        is_over.set()
        heart.join()


def fit_reason(text: str) -> str:
    """Return a reason as it is kept."""
    return text if len(text) <= _REASON_LENGTH else text[: _REASON_LENGTH - 1] + "…"


def _is_free(row: Ingestion, attempt: int) -> bool:
    if row.claimed_until is None:
        # Each slice sends one message on. Any other is a second one, which would double the work for ever.
        return row.attempt == attempt
    return row.claimed_until < clock.now()


def _beat(hold: Hold, is_over: threading.Event) -> None:
    try:
        while not is_over.wait(LEASE.total_seconds() / 3):
            with tenant(hold.organization_id):
                is_held = hold.rows().update(claimed_until=clock.now() + LEASE)
                others = Ingestion.objects.for_organization(hold.organization_id).filter(pk=hold.ingestion_id)
                if not is_held and others.exists():
                    hold.is_lost.set()
                    return
    finally:
        connection.close()
