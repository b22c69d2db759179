# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls of sources' webhooks that were taken: each is taken once."""

from django.db import models

from accounts.tenancy import OrganizationModel
from rag.models.sources import Source


class SourceDelivery(OrganizationModel):
    """One call that a host made about a source, by the id it brought."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="deliveries")
    delivery = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["source", "delivery"], name="source_delivery_unique")]

    def __str__(self) -> str:
        return self.delivery
