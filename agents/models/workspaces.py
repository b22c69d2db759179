# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the workspaces of runs held, step by step. The bytes are kept by rag, held by the run that came to them."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.tenancy import OrganizationModel
from agents.models.runs import Run


class WorkspaceSnapshot(OrganizationModel):
    """The files of a run behind one of its steps.

    ``tree`` is the hash of what stands where: two snapshots with the same files share it. ``content`` names the bytes
    that say which file is where, and where each one's own bytes are kept. ``key`` is that of the effect that led to it.
    One that is ``is_base`` is what a run began with, or checked out: people look at what changed since.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    # The talk whose runs hand their files on; empty for a run that stands alone.
    line = models.CharField(max_length=300, blank=True)
    number = models.PositiveIntegerField()
    # Of the same run; none before the first.
    parent_id = models.UUIDField(null=True)
    node_id = models.TextField(blank=True)
    key = models.TextField(blank=True)
    tree = models.CharField(max_length=64)
    content = models.CharField(max_length=64)
    file_count = models.PositiveIntegerField()
    total_bytes = models.BigIntegerField()
    changed = models.JSONField(default=list)
    left_out = models.JSONField(default=list)
    is_base = models.BooleanField(default=False)

    if TYPE_CHECKING:
        run_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="workspace_snapshot_unique")]
        indexes = [
            models.Index(fields=["organization", "tree"], name="workspace_tree"),
            models.Index(fields=["organization", "line", "-id"], condition=~Q(line=""), name="workspace_line"),
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.run_id}"
