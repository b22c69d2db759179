# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who else than files needs bytes: as long as somebody holds them, they are not swept."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from accounts.tenancy import OrganizationModel
from rag.models.files import Blob


class BlobHold(OrganizationModel):
    """Bytes that something of an app above keeps, such as a run its workspace. ``holder`` is that one's id."""

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    holder = models.UUIDField()

    if TYPE_CHECKING:
        blob_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["holder", "blob"], name="blob_hold_unique")]

    def __str__(self) -> str:
        return f"{self.blob_id} for {self.holder}"
