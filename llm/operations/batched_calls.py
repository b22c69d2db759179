# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writing down which question went into which batch, before it is handed in and after."""

from collections.abc import Sequence
from uuid import UUID

from accounts.tenancy import tenant
from llm.models import BatchedCall

KEY_LENGTH, PLACE_LENGTH = 500, 700


def claim_call(organization_id: UUID, key: str, place: str) -> BatchedCall:
    """Return the row of a question; one that was asked elsewhere before is asked anew here."""
    key, place = key[:KEY_LENGTH], place[:PLACE_LENGTH]
    with tenant(organization_id):
        row, _ = BatchedCall.objects.for_organization(organization_id).get_or_create(
            key=key, defaults={"organization_id": organization_id, "place": place}
        )
        if row.place != place:
            row.place, row.ticket, row.batch = place, "", ""
            row.save(update_fields=["place", "ticket", "batch"])
        return row


def note_ticket(organization_id: UUID, ids: Sequence[UUID], ticket: str) -> None:
    """Write down that these are being handed in under a ticket: whoever dies now can be asked for it."""
    with tenant(organization_id):
        BatchedCall.objects.for_organization(organization_id).filter(pk__in=ids).update(ticket=ticket, batch="")


def note_batch(organization_id: UUID, ids: Sequence[UUID], batch: str) -> None:
    """Write down which batch these are in."""
    with tenant(organization_id):
        BatchedCall.objects.for_organization(organization_id).filter(pk__in=ids).update(batch=batch)


def drop_call(organization_id: UUID, id_: UUID) -> None:
    """Forget a question: its batch has nothing for it."""
    with tenant(organization_id):
        BatchedCall.objects.for_organization(organization_id).filter(pk=id_).delete()
