# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Vectors of texts that were embedded before."""

from django.db import models

from accounts.tenancy import OrganizationModel


class KeptEmbedding(OrganizationModel):
    """The vector of one text, by one maker. Of the text there is only a hash: ``key`` holds maker, purpose and text.

    ``used_on`` is the last day somebody wanted it.
    """

    key = models.BinaryField(max_length=32)
    vector = models.BinaryField()
    used_on = models.DateField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="kept_embedding_unique")]
        indexes = [models.Index(fields=["organization", "used_on"], name="kept_embedding_used")]

    def __str__(self) -> str:
        return bytes(self.key).hex()
