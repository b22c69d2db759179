# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets go of vectors that nobody wants any more."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings

from accounts.tenancy import tenant
from codexos.kernel import clock
from llm.models import KeptEmbedding

AT_ONCE = 5_000


def purge(organization_id: UUID) -> int:
    """Delete an organization's vectors that were not used for CODEXOS_EMBEDDING_DAYS; return how many.

    May die anywhere and be run again.
    """
    oldest = clock.now().date() - timedelta(days=settings.EMBEDDING_DAYS)
    purged = 0
    while some := _purge_some(organization_id, before=oldest):
        purged += some
    return purged


def _purge_some(organization_id: UUID, *, before: object) -> int:
    with tenant(organization_id):
        rows = KeptEmbedding.objects.for_organization(organization_id)
        old = rows.filter(used_on__lt=before).values("pk")[:AT_ONCE]
        return rows.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]
