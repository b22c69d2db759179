# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keys of organizations, wrapped under a master key that is not in the database."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import OrganizationModel


class VaultKey(OrganizationModel):
    """A random key that closes the data keys of one organization.

    One is in use; earlier ones are retired and open what is not wrapped anew yet. Shredding empties ``wrapped``: what
    stands under the key then opens nowhere but in a backup.
    """

    number = models.PositiveIntegerField()
    master = models.CharField(max_length=300)
    wrapped = models.BinaryField()
    retired_at = models.DateTimeField(null=True)
    shredded_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="vault_key_unique"),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(retired_at=None, shredded_at=None), name="vault_key_one_in_use"
            ),
            models.CheckConstraint(
                condition=Q(shredded_at=None) | Q(wrapped=b""), name="vault_key_shredded_holds_nothing"
            ),
        ]

    def __str__(self) -> str:
        return f"key {self.number}"
