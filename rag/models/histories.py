# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How the documents of a source came to be what they are: told by its commits."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from rag.models.documents import DOCUMENT_PATH_LENGTH
from rag.models.sources import Source


class SourceHistory(OrganizationModel):
    """Up to which commit a source's history was read."""

    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="+")
    commit = models.CharField(max_length=64)
    read_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        source_id: UUID

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.commit


class PathHistory(OrganizationModel):
    """What changed a path last, and who did how often. ``recent`` holds its newest changes (see engine/history.py)."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+", db_index=False)
    path = models.CharField(max_length=DOCUMENT_PATH_LENGTH, db_collation="C")
    changed_at = models.DateTimeField()
    commit = models.CharField(max_length=64)
    author = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    commits = models.PositiveIntegerField(default=1)
    authors = models.JSONField(default=dict)
    recent = models.JSONField(default=list)

    if TYPE_CHECKING:
        source_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["source", "path"], name="path_history_unique")]
        indexes = [models.Index(fields=["source", "-changed_at"], name="path_history_newest")]

    def __str__(self) -> str:
        return self.path
