# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers that are kept to be given again to exactly the same request."""

from django.db import models

from accounts.tenancy import OrganizationModel


class KeptAnswer(OrganizationModel):
    """An answer of a model under the hash of all that matters of its request, for one organization alone."""

    key = models.CharField(max_length=64)
    model = models.CharField(max_length=200)
    answer = models.JSONField()
    bytes = models.PositiveIntegerField()
    cost_usd = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    hits = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="kept_answer_once")]
        indexes = [models.Index(fields=["expires_at"], name="kept_answer_expiry")]

    def __str__(self) -> str:
        return f"an answer of {self.model}"
