# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Usage records: what something cost."""

from django.db import models

from accounts.tenancy import OrganizationModel


class UsageRecord(OrganizationModel):
    """One metered thing: a model call, stored bytes, a run."""

    person_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    run_id = models.UUIDField(null=True, db_index=True)
    kind = models.CharField(max_length=40)
    quantity = models.BigIntegerField()
    unit = models.CharField(max_length=20)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    details = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "kind", "created_at"], name="usage_by_kind")]

    def __str__(self) -> str:
        return f"{self.quantity} {self.unit} of {self.kind}"
