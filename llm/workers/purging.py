# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets go of vectors that nobody wants any more, and of batches that have been forgotten elsewhere."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from accounts.tenancy import tenant
from codexos.kernel import clock
from llm.models import BatchedCall, KeptEmbedding

AT_ONCE = 5_000
BATCHES_KEPT = timedelta(days=30)


def purge(organization_id: UUID) -> int:
    """Delete an organization's vectors that were not used for CODEXOS_EMBEDDING_DAYS; return how many.

    May die anywhere and be run again.
    """
    oldest = clock.now().date() - timedelta(days=settings.EMBEDDING_DAYS)
    purged = 0
    while some := _purge_some(organization_id, before=oldest):
        purged += some
    return purged


def purge_batched(organization_id: UUID) -> int:
    """Delete what is known of questions in batches whose answers no provider keeps any more; return how many."""
    with tenant(organization_id):
        rows = BatchedCall.objects.for_organization(organization_id)
        return rows.filter(created_at__lt=clock.now() - BATCHES_KEPT).delete()[0]


def _purge_some(organization_id: UUID, *, before: object) -> int:
    with tenant(organization_id):
        rows = KeptEmbedding.objects.for_organization(organization_id)
        old = rows.filter(used_on__lt=before).values("pk")[:AT_ONCE]
        return rows.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]
