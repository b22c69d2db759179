# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases: bodies of text that questions are asked of; and the ways in which their chunks are made."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Person, Project
from accounts.tenancy import OrganizationModel
from codexos.kernel import clock

TAG_LENGTH = 64
SLUG_LENGTH = 63
NAME_LENGTH = 200


class Access(models.TextChoices):
    """Who may see a knowledge base. Changing it always takes the right to write in its project."""

    PROJECT = "project", "Everybody who sees the project"
    ORGANIZATION = "organization", "Everybody in the organization"
    MAKERS = "makers", "Who made it, team leads and above"


class IndexState(models.TextChoices):
    """What becomes of an index."""

    BUILDING = "building", "Being built"
    READY = "ready", "Ready"
    ACTIVE = "active", "In use"
    RETIRED = "retired", "Retired"
    FAILED = "failed", "Failed"


class Strategy(models.TextChoices):
    """How the nearest vectors of an index are found."""

    EXACT = "exact", "Every vector is compared"
    HNSW = "hnsw", "By a graph of neighbors"


class KnowledgeBase(OrganizationModel):
    """A body of text in a project. ``settings`` says how it is read and searched; ``revision`` counts edits.

    ``settings_revision`` counts those edits alone that change how chunks are made. One that is ``deleted_at`` is seen
    by nobody: its rows are on their way out.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    slug = models.CharField(max_length=SLUG_LENGTH)
    name = models.CharField(max_length=NAME_LENGTH)
    description = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list)
    access = models.CharField(max_length=12, choices=Access.choices, default=Access.PROJECT)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    settings = models.JSONField(default=dict)
    settings_revision = models.PositiveIntegerField(default=1)
    revision = models.PositiveIntegerField(default=1)
    # One transaction makes a base and its first index, and one update switches from an index to the next.
    active_index = models.ForeignKey("KnowledgeIndex", on_delete=models.DO_NOTHING, null=True, related_name="+")
    updated_at = models.DateTimeField(default=clock.now)
    deleted_at = models.DateTimeField(null=True)

    if TYPE_CHECKING:
        project_id: UUID
        made_by_id: UUID
        active_index_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["project", "slug"], condition=Q(deleted_at=None), name="knowledge_base_slug_unique"
            ),
            models.CheckConstraint(condition=Q(access__in=Access.values), name="knowledge_base_access_known"),
        ]
        indexes = [models.Index(fields=["organization", "-id"], name="knowledge_base_newest")]

    def __str__(self) -> str:
        return self.slug

    @property
    def team_id(self) -> object:
        """Where it stands: in its project's team."""
        return self.project.team_id


class KnowledgeIndex(OrganizationModel):
    """One way in which a base's chunks are made: how texts are cut, and the embedder that makes their vectors.

    ``identity`` is the embedder's: vectors of two indexes are comparable where it is the same. A base has one active
    index, and perhaps one being built beside it.
    """

    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="indexes")
    number = models.PositiveIntegerField()
    model = models.CharField(max_length=200)
    identity = models.CharField(max_length=300, blank=True)
    dimensions = models.PositiveIntegerField(default=0)
    chunking = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=IndexState.choices, default=IndexState.BUILDING)
    strategy = models.CharField(max_length=8, choices=Strategy.choices, default=Strategy.EXACT)
    chunk_count = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    if TYPE_CHECKING:
        base_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["base", "number"], name="knowledge_index_unique"),
            models.UniqueConstraint(fields=["base"], condition=Q(state="active"), name="knowledge_index_one_active"),
            models.UniqueConstraint(
                fields=["base"], condition=Q(state="building"), name="knowledge_index_one_building"
            ),
        ]

    def __str__(self) -> str:
        return f"index {self.number}"
