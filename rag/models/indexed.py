# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How far each document is in each index: one may stand in the index in use, and wait for the one that is built."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from accounts.tenancy import OrganizationModel
from rag.models.documents import Document
from rag.models.knowledge_bases import KnowledgeIndex


class IndexedDocument(OrganizationModel):
    """What an index holds of a document. ``sha256`` is the content whose chunks are live, "" where there are none.

    ``staged`` is the content that has been cut, and whose chunks are being embedded. ``tried`` is the content that
    failed here, with its ``reason``; it is not tried again by itself. ``tries`` counts how often a worker began and did
    not come to an end: a document that takes its worker along must not take every next one.
    """

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    index = models.ForeignKey(KnowledgeIndex, on_delete=models.CASCADE, related_name="documents")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="places", db_index=False)
    sha256 = models.CharField(max_length=64, blank=True)
    staged = models.CharField(max_length=64, blank=True)
    tried = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    if TYPE_CHECKING:
        index_id: UUID
        document_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["document", "index"], name="indexed_document_unique")]

    def __str__(self) -> str:
        return f"{self.document_id} in {self.index_id}"
