# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents of a knowledge base, and the chunks they are cut into."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import HashIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from accounts.tenancy import OrganizationModel
from codexos.kernel import clock
from rag.models.files import Blob
from rag.models.knowledge_bases import TAG_LENGTH, KnowledgeBase, KnowledgeIndex
from rag.models.sources import Source, SourceKind

DOCUMENT_PATH_LENGTH = 800
MARK_LENGTH = 300


class DocumentState(models.TextChoices):
    """How far a document is. Each can fail alone, with a reason."""

    WAITING = "waiting", "Waiting"
    PARSING = "parsing", "Being read"
    CHUNKING = "chunking", "Being cut"
    EMBEDDING = "embedding", "Being embedded"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    REMOVED = "removed", "Removed"


class Document(OrganizationModel):
    """One file, page or object of a source. ``version`` counts its contents, whose hash is ``sha256``.

    ``mark`` is what its source knows that content by without reading it (see Entry in rag/engine/ports.py), and
    ``listed`` the mark of a content that is yet to be fetched. The bytes are its ``blob``, held under the document's id
    (see BlobHold): another index is made of them without asking the source again.
    ``missing_since`` and ``sightings_missing`` say since when, and how often, its source has not had it: one that is
    missed once stays. ``reason`` and ``error_code`` tell why it failed, or what was left out of it.
    """

    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="documents")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="documents")
    # Compared byte by byte, as paths of files are: lists run in one order, and prefixes use the index.
    path = models.CharField(max_length=DOCUMENT_PATH_LENGTH, db_collation="C")
    title = models.CharField(max_length=300, blank=True)
    source_type = models.CharField(max_length=10, choices=SourceKind.choices)
    media_type = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=40, blank=True)
    tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list)
    state = models.CharField(max_length=10, choices=DocumentState.choices, default=DocumentState.WAITING)
    reason = models.CharField(max_length=500, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    mark = models.CharField(max_length=MARK_LENGTH, blank=True)
    listed = models.CharField(max_length=MARK_LENGTH, blank=True)
    size = models.BigIntegerField(default=0)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, null=True, related_name="+")
    commit = models.CharField(max_length=64, blank=True)
    changed_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    sightings_missing = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    pages = models.PositiveIntegerField(null=True)
    chunk_count = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=clock.now)

    if TYPE_CHECKING:
        base_id: UUID
        source_id: UUID
        blob_id: UUID | None

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["source", "path"], name="document_path_unique"),
            models.CheckConstraint(condition=~Q(path=""), name="document_has_a_path"),
        ]
        indexes = [
            models.Index(fields=["base", "-id"], name="document_of_base"),
            models.Index(fields=["source", "state"], name="document_by_state"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def project_id(self) -> UUID:
        """The project of its base."""
        return self.base.project_id

    @property
    def team_id(self) -> object:
        """Where it stands: in the team of its base's project."""
        return self.base.team_id


class Chunk(OrganizationModel):
    """A piece of a document in one index. ``context`` (headings, or signature and scope) is shown before its text.

    It is staged while ``since`` is null. When all chunks of a document's version are embedded, one transaction gives
    the new ones ``since`` and those they replace ``until``, numbers of the source's revisions: it is live from the one
    to the other, and stays to be found at older commits. ``sha256`` is that of context and text.
    """

    # Whose it is goes with its index: one more B-tree for each chunk would serve no question.
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    index = models.ForeignKey(KnowledgeIndex, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    ordinal = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True)
    text = models.TextField()
    context = models.TextField(blank=True)
    place = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    since = models.PositiveIntegerField(null=True)
    until = models.PositiveIntegerField(null=True)
    # Half precision, as vectors come (see llm/engine/vectors.py). Both stay in the row: a question reads them of many.
    embedding = HalfVectorField(null=True)
    tsv = SearchVectorField(null=True)
    terms = models.PositiveIntegerField(default=0)

    if TYPE_CHECKING:
        index_id: UUID
        document_id: UUID

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=models.F("since")), name="chunk_begins_before_it_ends"
            ),
        ]
        indexes = [
            models.Index(fields=["document", "index", "ordinal"], name="chunk_of_document"),
            models.Index(fields=["index", "document"], condition=Q(since__isnull=False, until=None), name="chunk_live"),
            models.Index(fields=["index", "document"], condition=Q(since=None), name="chunk_staged"),
            # The same text has its vector already, wherever it stands.
            HashIndex(fields=["sha256"], name="chunk_by_text"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.ordinal}"

    @property
    def is_live(self) -> bool:
        """Whether it stands in its source as of now."""
        return self.since is not None and self.until is None
