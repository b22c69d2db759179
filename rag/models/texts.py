# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The text of PDFs, read once for each content and kept beside it, so that no run has to wait for it again."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from accounts.tenancy import OrganizationModel
from rag.models.files import Blob


class PdfText(OrganizationModel):
    """What stands on the pages of a PDF, parted by form feeds. It goes with the bytes it was read from."""

    blob = models.OneToOneField(Blob, on_delete=models.CASCADE, related_name="+")
    pages = models.TextField()
    page_count = models.PositiveIntegerField()
    size = models.PositiveIntegerField()

    if TYPE_CHECKING:
        blob_id: UUID

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.page_count} pages"
