# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Large values of journals, kept once per organization however many runs came to them."""

from django.db import models

from accounts.models import Organization
from accounts.tenancy import OrganizationManager
from codexos.kernel import clock


class Blob(models.Model):
    """The JSON of a large value under its hash. Two organizations never share one, so none learns what others have."""

    pk = models.CompositePrimaryKey("organization_id", "sha256")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    sha256 = models.BinaryField(max_length=32)
    content = models.BinaryField()
    # Touched by whoever writes it again: what was used a moment ago is not swept, though no use is seen yet.
    used_at = models.DateTimeField(default=clock.now)

    objects = OrganizationManager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return bytes(self.sha256).hex()


class BlobUse(models.Model):
    """That a run's journal refers to a blob; it goes with the run's content."""

    pk = models.CompositePrimaryKey("run_id", "sha256")
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    run_id = models.UUIDField()
    sha256 = models.BinaryField(max_length=32)

    objects = OrganizationManager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "sha256"], name="blob_use_of_blob")]

    def __str__(self) -> str:
        return f"{bytes(self.sha256).hex()} of {self.run_id}"
