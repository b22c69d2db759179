# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What was counted of large indexes, so that a question need not: how many chunks hold each term."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from pgvector.django import HalfVectorField

from accounts.tenancy import OrganizationModel
from rag.engine.terms import LONGEST_TERM
from rag.models.knowledge_bases import KnowledgeIndex


class IndexFigures(OrganizationModel):
    """How many chunks a large index had when it was counted, their terms, and the middle of their vectors."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    index = models.OneToOneField(KnowledgeIndex, on_delete=models.CASCADE, related_name="figures")
    chunks = models.PositiveIntegerField()
    terms = models.BigIntegerField()
    center = HalfVectorField(null=True)

    if TYPE_CHECKING:
        index_id: UUID

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.chunks} chunks"


class TermCount(OrganizationModel):
    """How many chunks of a large index hold a term. One that a single chunk holds has no row."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    index = models.ForeignKey(KnowledgeIndex, on_delete=models.CASCADE, related_name="+", db_index=False)
    term = models.CharField(max_length=LONGEST_TERM, db_collation="C")
    chunks = models.PositiveIntegerField()

    if TYPE_CHECKING:
        index_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["index", "term"], name="term_count_unique")]

    def __str__(self) -> str:
        return self.term
