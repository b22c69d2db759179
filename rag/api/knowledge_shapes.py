# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases, sources, readings and documents on the wire: what is answered."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.roles import Permission
from rag.models import Chunk, Document, Ingestion, KnowledgeBase, KnowledgeIndex, Revision, Source
from rag.queries.knowledge_bases import may_change_base

COUNTS = ("found", "parsed", "chunked", "embedded", "indexed", "unchanged", "failed", "removed")


class BaseChunkingShape(serializers.Serializer[Any]):
    """How documents are cut into chunks."""

    strategy = serializers.CharField(help_text="auto, sliding, markdown, code, pdf, json or html.")
    window = serializers.IntegerField(help_text="The most words of a chunk.")
    overlap = serializers.IntegerField(help_text="Words that two neighboring chunks share.")
    parent = serializers.BooleanField(help_text="Small chunks are found, and the passage around them is shown.")  # type: ignore[assignment]
    word_pieces = serializers.IntegerField(help_text="The most units of the embedder that a chunk has.")


class BaseEmbeddingShape(serializers.Serializer[Any]):
    """Which model makes vectors, and whether passages are ranked again."""

    model = serializers.CharField(allow_null=True, help_text="Null: the installation's.")
    rerank = serializers.BooleanField()
    rerank_model = serializers.CharField(allow_null=True, help_text="Null: the best there is.")


class BaseSearchShape(serializers.Serializer[Any]):
    """How questions are answered that say nothing else."""

    mode = serializers.ChoiceField(choices=["hybrid", "exact", "semantic"])
    top_k = serializers.IntegerField()
    mmr = serializers.FloatField(help_text="From 0, the nearest passages, to 1, the most various.")
    neighbors = serializers.IntegerField(help_text="Chunks that are given with a passage, on each side.")
    temporal = serializers.BooleanField(
        allow_null=True, help_text="Whether what changed lately counts for more; null: where a question asks for it."
    )


class IndexShape(serializers.ModelSerializer[KnowledgeIndex]):
    """One way in which a knowledge base's chunks are made."""

    is_active = serializers.SerializerMethodField()

    class Meta:
        model = KnowledgeIndex
        fields = (
            *("id", "number", "state", "is_active", "model", "dimensions", "chunking", "strategy", "chunk_count"),
            *("reason", "created_at", "made_at"),
        )
        read_only_fields = fields

    def get_is_active(self, index: KnowledgeIndex) -> bool:
        """Tell whether questions are answered from it."""
        return index.state == "active"


class BaseSummaryShape(serializers.ModelSerializer[KnowledgeBase]):
    """A knowledge base in a list."""

    project_id = serializers.UUIDField()
    project = serializers.CharField(source="project.slug", help_text="The project's short name.")
    tags = serializers.ListField(child=serializers.CharField())
    made_by = serializers.CharField(source="made_by.email")
    is_changeable = serializers.SerializerMethodField(help_text="Whether you may change it.")

    class Meta:
        model = KnowledgeBase
        fields = (
            *("id", "slug", "name", "description", "project_id", "project", "tags", "access", "made_by"),
            *("is_changeable", "revision", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_is_changeable(self, base: KnowledgeBase) -> bool:
        """Tell whether whoever asks may change it."""
        actor = getattr(self.context.get("request"), "auth", None)
        return actor is not None and may_change_base(actor, base)


class FiguresShape(serializers.Serializer[Any]):
    """How much a knowledge base holds."""

    sources = serializers.IntegerField()
    documents = serializers.IntegerField()
    ready = serializers.IntegerField()
    waiting = serializers.IntegerField()
    failed = serializers.IntegerField()
    chunks = serializers.IntegerField()
    size_bytes = serializers.IntegerField()


class BaseShape(BaseSummaryShape):
    """A knowledge base in full, its settings in the product's own JSON."""

    chunking = serializers.SerializerMethodField()
    embedding = serializers.SerializerMethodField()
    search = serializers.SerializerMethodField()
    switch = serializers.SerializerMethodField(help_text="when_ready or by_hand.")
    gate = serializers.SerializerMethodField(help_text="measure, least, most_drop; null: there is none.")
    index = IndexShape(source="active_index", allow_null=True)
    figures = serializers.SerializerMethodField()

    class Meta:
        model = KnowledgeBase
        fields = (
            *BaseSummaryShape.Meta.fields,
            "chunking",
            "embedding",
            "search",
            "switch",
            "gate",
            "index",
            "figures",
        )
        read_only_fields = fields

    @extend_schema_field(BaseChunkingShape)
    def get_chunking(self, base: KnowledgeBase) -> Any:
        """Say how its documents are cut."""
        return base.settings["chunking"]

    @extend_schema_field(BaseEmbeddingShape)
    def get_embedding(self, base: KnowledgeBase) -> Any:
        """Say who embeds."""
        said = base.settings["embedding"]
        return {**said, "model": said["model"] or None, "rerank_model": said["rerank_model"] or None}

    @extend_schema_field(BaseSearchShape)
    def get_search(self, base: KnowledgeBase) -> Any:
        """Say how it is searched."""
        return base.settings["search"]

    def get_switch(self, base: KnowledgeBase) -> str:
        """Say whether another index answers as soon as it is ready."""
        return str(base.settings["switch"])

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_gate(self, base: KnowledgeBase) -> Any:
        """Say how well another index has to do before."""
        return base.settings.get("gate")

    @extend_schema_field(FiguresShape)
    def get_figures(self, _base: KnowledgeBase) -> Any:
        """Say how much it holds."""
        return FiguresShape(self.context["figures"]).data


class SourceShape(serializers.ModelSerializer[Source]):
    """Where documents of a knowledge base come from."""

    knowledge_base_id = serializers.UUIDField(source="base_id")
    knowledge_base = serializers.CharField(source="base.slug", help_text="Its short name.")
    project_id = serializers.UUIDField()
    type = serializers.CharField(source="kind")
    config = serializers.JSONField(help_text="What its type is told: url, branch, path, include, exclude and the like.")
    secret = serializers.SerializerMethodField(help_text="The name of its secret; null for who may use no vault.")
    tags = serializers.ListField(child=serializers.CharField())
    made_by = serializers.CharField(source="made_by.email")
    is_changeable = serializers.SerializerMethodField(help_text="Whether you may change it.")
    edits = serializers.IntegerField(help_text="Counts what people changed; its ETag begins with it.")

    class Meta:
        model = Source
        fields = (
            *("id", "knowledge_base_id", "knowledge_base", "project_id", "type", "name", "config", "secret", "tags"),
            *("schedule", "next_at", "state", "reason", "revision", "last_synced_at", "made_by", "is_changeable"),
            *("edits", "created_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_secret(self, source: Source) -> str | None:
        """Return which secret opens it."""
        actor = getattr(self.context.get("request"), "auth", None)
        return source.secret if actor is not None and actor.may_somewhere(Permission.ACCESS_VAULT) else None

    def get_is_changeable(self, source: Source) -> bool:
        """Tell whether whoever asks may change it."""
        actor = getattr(self.context.get("request"), "auth", None)
        return actor is not None and may_change_base(actor, source.base)


class RevisionShape(serializers.ModelSerializer[Revision]):
    """One state of a source: a commit, or what a sync found."""

    class Meta:
        model = Revision
        fields = ("number", "commit", "branch", "at", "author", "subject", "created_at")
        read_only_fields = fields


class IngestionShape(serializers.ModelSerializer[Ingestion]):
    """One reading of a source, or of a whole knowledge base into another index: how far each stage is."""

    knowledge_base_id = serializers.UUIDField(source="base_id")
    source_id = serializers.UUIDField(allow_null=True, help_text="Null: of all sources, into another index.")
    source = serializers.CharField(source="source.name", allow_null=True, default=None)  # type: ignore[assignment]
    index = serializers.IntegerField(source="index.number", allow_null=True, default=None)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Ingestion
        fields = (
            *("id", "knowledge_base_id", "source_id", "source", "kind", "state", "counts", "index", "revision"),
            *("reason", "started_by", "created_at", "started_at", "ended_at", "updated_at"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_counts(self, ingestion: Ingestion) -> dict[str, int]:
        """Say how many documents were found, parsed and removed, and chunks made, embedded and indexed."""
        return {name: getattr(ingestion, name) for name in COUNTS}


class DocumentShape(serializers.ModelSerializer[Document]):
    """One file, page or object of a source."""

    knowledge_base_id = serializers.UUIDField(source="base_id")
    source_id = serializers.UUIDField()
    source = serializers.CharField(source="source.name")  # type: ignore[assignment]
    tags = serializers.ListField(child=serializers.CharField())
    is_kept = serializers.SerializerMethodField(help_text="Whether its bytes are kept here, to be downloaded.")

    class Meta:
        model = Document
        fields = (
            *("id", "knowledge_base_id", "source_id", "source", "source_type", "path", "title", "media_type"),
            *("language", "tags", "state", "reason", "error_code", "sha256", "size", "pages", "commit", "version"),
            *("chunk_count", "is_kept", "missing_since", "changed_at", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_is_kept(self, document: Document) -> bool:
        """Tell whether its bytes are kept."""
        return document.blob_id is not None


class ChunkShape(serializers.ModelSerializer[Chunk]):
    """A piece of a document as it is found."""

    place = serializers.JSONField(help_text="page, lines, path, section: what is known of where it stands.")

    class Meta:
        model = Chunk
        fields = ("id", "ordinal", "context", "text", "place", "sha256", "since", "terms", "parent")
        read_only_fields = fields


class ConfiguredShape(serializers.Serializer[Any]):
    """A knowledge base as it stands after it was configured."""

    knowledge_base = BaseShape()
    made = SourceShape(many=True, help_text="Sources that were not there.")
    kept = SourceShape(many=True, help_text="Sources that were there, brought to what was said.")


class PieceShape(serializers.Serializer[Any]):
    """What would become a chunk."""

    ordinal = serializers.IntegerField(source="piece.ordinal")
    context = serializers.CharField(source="piece.context")  # type: ignore[assignment]
    text = serializers.CharField(source="piece.text")
    place = serializers.SerializerMethodField(help_text="page, lines, path, section: what is known.")
    parent = serializers.IntegerField(source="piece.parent", allow_null=True)  # type: ignore[assignment]
    words = serializers.IntegerField()
    word_pieces = serializers.IntegerField(help_text="About how much of an embedder's room it takes.")

    @extend_schema_field(serializers.DictField())
    def get_place(self, shown: Any) -> dict[str, Any]:
        """Say where it stands."""
        place: dict[str, Any] = shown.piece.place.as_json()
        return place


class ChunkPreviewShape(serializers.Serializer[Any]):
    """How a document would be cut: the first chunks, and how many in all."""

    title = serializers.CharField()
    media_type = serializers.CharField()
    language = serializers.CharField()
    pages = serializers.IntegerField(allow_null=True)
    strategy = serializers.CharField(help_text="What `auto` came to.")
    chunks = PieceShape(many=True, source="pieces")
    count = serializers.IntegerField()
    is_whole = serializers.BooleanField(help_text="Whether all were counted.")


class TriedPreviewShape(ChunkPreviewShape):
    """A preview with the settings it was made by."""

    chunking = BaseChunkingShape()


class TakenShape(serializers.Serializer[Any]):
    """What became of one file of an upload."""

    path = serializers.CharField()
    state = serializers.ChoiceField(choices=["new", "changed", "unchanged", "refused"])
    document_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_null=True, help_text="Why it was refused, as problems have it.")
    detail = serializers.CharField(allow_null=True)


class UploadShape(serializers.Serializer[Any]):
    """What became of an upload; the ingestion says how far its reading is."""

    source_id = serializers.UUIDField()
    ingestion = IngestionShape(allow_null=True)
    results = TakenShape(many=True)
