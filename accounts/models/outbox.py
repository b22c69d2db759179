# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The outbox: typed events for the floors above, written in the transaction of the change."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import OrganizationModel


class OutboxEvent(OrganizationModel):
    """An event on its way up; delivered at least once."""

    name = models.CharField(max_length=60)
    payload = models.JSONField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["organization", "id"], condition=Q(delivered_at=None), name="outbox_undelivered")
        ]

    def __str__(self) -> str:
        return self.name
