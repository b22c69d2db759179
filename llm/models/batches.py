# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions that were handed in to a provider's batches, so that nobody who comes back pays for them again."""

from django.db import models

from accounts.tenancy import OrganizationModel


class BatchedCall(OrganizationModel):
    """One question in a batch: the ``key`` of the step that asks, and where its answer will be. Nothing of its words.

    ``ticket`` is what its batch is handed in under; ``batch`` is its name at the provider, "" while it is on its way.
    """

    key = models.CharField(max_length=500)
    place = models.CharField(max_length=700)
    ticket = models.CharField(max_length=40, blank=True)
    batch = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="batched_call_once")]
        indexes = [models.Index(fields=["organization", "created_at"], name="batched_call_age")]

    def __str__(self) -> str:
        return self.batch or "on its way"
