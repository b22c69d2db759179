# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Forgets the answers that were kept for repeated writes."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from accounts.models import IdempotencyRecord
from accounts.tenancy import tenant
from codexos.kernel import clock

KEPT = timedelta(hours=24)
IN_FLIGHT = timedelta(minutes=5)


def forget_answers(organization_id: UUID) -> int:
    """Delete an organization's answers older than a day and its claims that ran out; return how many."""
    now = clock.now()
    with tenant(organization_id):
        rows = IdempotencyRecord.objects.for_organization(organization_id)
        over = Q(created_at__lt=now - KEPT) | Q(status=None, created_at__lt=now - IN_FLIGHT)
        return rows.filter(over).delete()[0]
