# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keys of organizations, wrapped under a master key that is not in the database."""

from django.db import models
from django.db.models import Q

from accounts.tenancy import OrganizationModel


class VaultKey(OrganizationModel):
    """A random key that closes the data keys of one organization.

    One is in use; earlier ones are retired and open what is not wrapped anew yet. A retired key under which nothing
    stands any more is emptied: it is good for nothing but opening old backups, which have it themselves. Shredding
    empties ``wrapped`` while something stands under the key: that then opens nowhere but in a backup.
    """

    number = models.PositiveIntegerField()
    master = models.CharField(max_length=300)
    wrapped = models.BinaryField()
    retired_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)
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
            models.CheckConstraint(
                condition=Q(emptied_at=None) | Q(wrapped=b"", retired_at__isnull=False),
                name="vault_key_emptied_holds_nothing",
            ),
        ]
        indexes = [models.Index(fields=["master"], condition=~Q(wrapped=b""), name="vault_key_master")]

    def __str__(self) -> str:
        return f"key {self.number}"

    @property
    def is_empty(self) -> bool:
        """Whether it opens nothing any more."""
        return not self.wrapped
