# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sources: where a knowledge base's documents come from; their revisions; and each reading of one."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import Person
from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from rag.models.knowledge_bases import NAME_LENGTH, TAG_LENGTH, KnowledgeBase, KnowledgeIndex


class SourceKind(models.TextChoices):
    """What a source reads."""

    UPLOAD = "upload", "Uploaded files"
    FILES = "files", "Files of the project"
    GIT = "git", "Git repository"
    GITHUB = "github", "GitHub repository"
    WEB = "web", "Web page"
    SITEMAP = "sitemap", "Web site by its map"
    FOLDER = "folder", "Folder of this machine"


class SourceState(models.TextChoices):
    """What a source is doing."""

    IDLE = "idle", "Idle"
    SYNCING = "syncing", "Being read"
    FAILED = "failed", "Failed"
    PAUSED = "paused", "Paused"


class Source(OrganizationModel):
    """Where documents of a base come from. ``config`` says which; ``secret`` names the vault's key that opens it.

    ``revision`` numbers its states: each commit or sync is one. ``cursor`` is what the next reading starts from.
    ``wanted_at`` is since when another reading is wanted that the open one may have been too early for. ``edits``
    counts what people changed. One that is ``deleted_at`` is seen by nobody: its rows are on their way out.
    """

    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=10, choices=SourceKind.choices)
    name = models.CharField(max_length=NAME_LENGTH)
    config = models.JSONField(default=dict)
    secret = models.CharField(max_length=200, blank=True)
    tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list)
    schedule = models.CharField(max_length=100, blank=True)
    next_at = models.DateTimeField(null=True)
    wanted_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=SourceState.choices, default=SourceState.IDLE)
    revision = models.PositiveIntegerField(default=0)
    cursor = models.JSONField(default=dict)
    last_synced_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    webhook_key = models.CharField(max_length=64, blank=True)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    edits = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=clock.now)
    deleted_at = models.DateTimeField(null=True)

    if TYPE_CHECKING:
        base_id: UUID
        made_by_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["base", "name"], condition=Q(deleted_at=None), name="source_name_unique"),
            models.CheckConstraint(condition=Q(kind__in=SourceKind.values), name="source_kind_known"),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="source_newest"),
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="source_due"),
            models.Index(fields=["webhook_key"], condition=~Q(webhook_key=""), name="source_webhook"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def project_id(self) -> UUID:
        """The project of its base."""
        return self.base.project_id

    @property
    def team_id(self) -> object:
        """Where it stands: in the team of its base's project."""
        return self.base.team_id


class Revision(OrganizationModel):
    """One state of a source: a commit, or what a sync found."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    commit = models.CharField(max_length=64, blank=True)
    branch = models.CharField(max_length=255, blank=True)
    at = models.DateTimeField(null=True)
    author = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=300, blank=True)

    if TYPE_CHECKING:
        source_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["source", "number"], name="revision_unique")]
        indexes = [models.Index(fields=["source", "commit"], name="revision_of_commit")]

    def __str__(self) -> str:
        return self.commit or f"revision {self.number}"


class IngestionKind(models.TextChoices):
    """What an ingestion is for."""

    SYNC = "sync", "Bring up to date"
    REINDEX = "reindex", "Make another index"
    UPLOAD = "upload", "Take in what was uploaded"


class IngestionState(models.TextChoices):
    """How far an ingestion is."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


OPEN_INGESTIONS = (IngestionState.QUEUED, IngestionState.RUNNING, IngestionState.PAUSED)
"""The states that an ingestion can still leave."""


class Ingestion(OrganizationModel):
    """One reading of a source, or of all of a base's (``source`` is null) into another index.

    The counts say how far each stage is: of documents, but for those that are ``chunked`` and ``embedded``, which are
    chunks. Whoever carries it has it until ``claimed_until``; ``attempt`` grows with each claim, so one that lost it
    writes no more. ``rests`` counts how often in a row something outside did not answer, after which it rests for a
    while. ``listed_at`` is when all of its source had been looked at. ``confirmed`` says that a person knows of what
    is missing, so that it is gone at once.
    """

    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="ingestions")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, related_name="ingestions")
    index = models.ForeignKey(KnowledgeIndex, on_delete=models.CASCADE, null=True, related_name="ingestions")
    kind = models.CharField(max_length=10, choices=IngestionKind.choices)
    state = models.CharField(max_length=10, choices=IngestionState.choices, default=IngestionState.QUEUED)
    revision = models.PositiveIntegerField(null=True)
    found = models.PositiveIntegerField(default=0)
    parsed = models.PositiveIntegerField(default=0)
    chunked = models.PositiveIntegerField(default=0)
    embedded = models.PositiveIntegerField(default=0)
    indexed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    rests = models.PositiveSmallIntegerField(default=0)
    listed_at = models.DateTimeField(null=True)
    confirmed = models.BooleanField(default=False)
    started_by = models.CharField(max_length=254, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        base_id: UUID
        source_id: UUID | None
        index_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            # Two readings of one source at once would fetch and cut the same texts twice.
            models.UniqueConstraint(
                fields=["source"],
                condition=Q(state__in=["queued", "running", "paused"], source__isnull=False),
                name="ingestion_one_of_a_source",
            ),
        ]
        indexes = [
            models.Index(fields=["base", "-id"], name="ingestion_of_base"),
            models.Index(
                fields=["claimed_until"], condition=Q(state__in=["queued", "running"]), name="ingestion_to_carry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it has not come to its end."""
        return self.state in OPEN_INGESTIONS

    @property
    def team_id(self) -> object:
        """Where it stands: in the team of its base's project."""
        return self.base.team_id
