# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases, sources, documents and questions on the wire: what is sent."""

from typing import Any

from rest_framework import serializers

from accounts.rest import Body, Query
from accounts.rest.bodies import DATE_OR_MOMENT
from rag.models import Access, DocumentState, IngestionKind, IngestionState, SourceKind, SourceState
from rag.operations.knowledge_bases import BaseEdit
from rag.operations.retrieval import Asked, filters_of
from rag.operations.sources import MOST_SOURCES_SAID, SourceEdit

ID_LENGTH = 63
_SECTIONS = ("chunking", "embedding", "search", "switch", "gate")
_WORD = 64


def _tags(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(max_length=_WORD), max_length=100, **options)


class ConfigurationBody(Body):
    """The product's own JSON: where documents come from, how they are cut, embedded and searched."""

    sources = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        max_length=MOST_SOURCES_SAID,
        help_text='`[{"type": "github", "url": …}, {"type": "upload"}]`.',
    )
    chunking = serializers.DictField(required=False, help_text="strategy, window, overlap, parent, word_pieces.")
    embedding = serializers.DictField(required=False, help_text="model, rerank, rerank_model.")
    search = serializers.DictField(required=False, help_text="mode, top_k, mmr, neighbors, temporal.")
    switch = serializers.CharField(max_length=20, required=False, help_text="when_ready or by_hand.")
    gate = serializers.DictField(
        required=False, allow_null=True, help_text="What a test asks of another index: measure, least, most_drop."
    )


class ChangeBaseBody(Body):
    """What to change of a knowledge base."""

    name = serializers.CharField(max_length=200, required=False)
    slug = serializers.CharField(max_length=ID_LENGTH, required=False, help_text="Its short name in the project.")
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    tags = _tags(required=False)
    access = serializers.ChoiceField(
        choices=Access.values,
        required=False,
        help_text="Who sees it: the project's people, the whole organization, or who made it and team leads.",
    )
    chunking = serializers.DictField(required=False)
    embedding = serializers.DictField(required=False)
    search = serializers.DictField(required=False)
    switch = serializers.CharField(
        max_length=20, required=False, help_text="Whether another index answers when_ready, or is switched to by_hand."
    )
    gate = serializers.DictField(
        required=False, allow_null=True, help_text="What a test asks of another index: measure, least, most_drop."
    )

    @classmethod
    def edit(cls, said: dict[str, Any]) -> BaseEdit:
        """Return what was said, its settings together."""
        settings = {name: said[name] for name in _SECTIONS if name in said}
        names = ("name", "slug", "description", "tags", "access")
        return BaseEdit(**{name: said.get(name) for name in names}, settings=settings or None)


class CreateBaseBody(ChangeBaseBody):
    """A knowledge base to make, in the product's own JSON."""

    name = serializers.CharField(max_length=200)
    project_id = serializers.CharField(
        max_length=ID_LENGTH, required=False, help_text="Id or short name; left out: the only one."
    )
    sources = serializers.ListField(child=serializers.DictField(), required=False, max_length=MOST_SOURCES_SAID)


class PreviewBody(Body):
    """A document, or a text, to be cut into chunks for a look."""

    document_id = serializers.CharField(max_length=ID_LENGTH, required=False, default=None)
    text = serializers.CharField(max_length=1_000_000, required=False, default=None, trim_whitespace=False)
    name = serializers.CharField(
        max_length=400, required=False, default="", help_text="What the text would be called: its ending says its kind."
    )
    chunking = serializers.DictField(required=False, default=dict, help_text="What to try in place of the base's.")


class BasesQuery(Query):
    """Which knowledge bases."""

    project_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="", help_text="Of one project.")
    tag = serializers.CharField(max_length=_WORD, required=False, default="")
    search = serializers.CharField(max_length=200, required=False, default="", help_text="In name and description.")


class ChangeSourceBody(Body):
    """What to change of a source. What its type is told (`url`, `branch`, `path`, …) is replaced as a whole."""

    name = serializers.CharField(max_length=200, required=False)
    config = serializers.DictField(required=False, help_text="url, branch, path, include, exclude and the like.")
    secret = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="The name of a secret in the vault."
    )
    tags = _tags(required=False)
    schedule = serializers.CharField(max_length=100, required=False, allow_blank=True, help_text="Five fields of cron.")
    is_paused = serializers.BooleanField(required=False, help_text="Whether it is left as it is.")

    @classmethod
    def edit(cls, data: Any) -> SourceEdit:
        """Return what was said. Raises ValidationError."""
        return SourceEdit(**cls.parse(data, partial=True))


class CreateSourceBody(serializers.Serializer[Any]):
    """A source to connect; beside these stands what its type is told: `url`, `branch`, `path`, `include`, …"""

    knowledge_base_id = serializers.CharField(max_length=ID_LENGTH, help_text="Id or short name.")
    type = serializers.ChoiceField(choices=SourceKind.values)
    name = serializers.CharField(max_length=200, required=False)
    url = serializers.CharField(max_length=2000, required=False)
    repository = serializers.CharField(max_length=200, required=False, help_text="`github`: owner/name.")
    branch = serializers.CharField(max_length=200, required=False)
    path = serializers.CharField(max_length=1000, required=False)
    include = serializers.ListField(child=serializers.CharField(max_length=1000), required=False)
    exclude = serializers.ListField(child=serializers.CharField(max_length=1000), required=False)
    secret = serializers.CharField(max_length=200, required=False)
    tags = _tags(required=False)
    schedule = serializers.CharField(max_length=100, required=False)


class SourcesQuery(Query):
    """Which sources."""

    knowledge_base_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    project_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    type = serializers.ChoiceField(choices=SourceKind.values, required=False, default="")
    state = serializers.ChoiceField(choices=SourceState.values, required=False, default="")


class SyncBody(Body):
    """How to read a source."""

    confirmed = serializers.BooleanField(
        required=False, default=False, help_text="What it does not have any more is gone at once."
    )


class IngestionsQuery(Query):
    """Which readings."""

    knowledge_base_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    project_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    source_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    kind = serializers.ChoiceField(choices=IngestionKind.values, required=False, default="")
    state = serializers.ChoiceField(choices=IngestionState.values, required=False, default="")


class DocumentsQuery(Query):
    """Which documents."""

    knowledge_base_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    source_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    project_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    state = serializers.ChoiceField(choices=DocumentState.values, required=False, default="")
    tag = serializers.CharField(max_length=_WORD, required=False, default="")
    prefix = serializers.CharField(max_length=400, required=False, default="", help_text="Paths that begin so.")
    search = serializers.CharField(max_length=200, required=False, default="", help_text="Paths with this in them.")


class ChangeDocumentBody(Body):
    """What to change of a document."""

    tags = _tags()


class FiltersBody(Body):
    """Which documents a question is about."""

    source_type = serializers.ListField(child=serializers.CharField(max_length=40), required=False, default=list)
    tags = _tags(required=False, default=list, help_text="All of them.")
    path = serializers.CharField(
        max_length=400, required=False, default="", allow_blank=True, help_text="A pattern: docs/**/*.md."
    )
    language = serializers.ListField(child=serializers.CharField(max_length=40), required=False, default=list)
    commit = serializers.CharField(max_length=64, required=False, default="", help_text="What stood there then.")
    since = serializers.DateTimeField(required=False, default=None, input_formats=DATE_OR_MOMENT)
    until = serializers.DateTimeField(required=False, default=None, input_formats=DATE_OR_MOMENT)
    source_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")
    document_id = serializers.CharField(max_length=ID_LENGTH, required=False, default="")

    def to_internal_value(self, data: Any) -> Any:
        """Return what was sent; one word where several may stand is taken for a list of it."""
        if isinstance(data, dict):
            lists = ("source_type", "tags", "language")
            data = {name: [said] if name in lists and isinstance(said, str) else said for name, said in data.items()}
        return super().to_internal_value(data)


class AskBody(Body):
    """A question to one knowledge base."""

    query = serializers.CharField(max_length=10_000, trim_whitespace=True, help_text="The question, in plain words.")
    top_k = serializers.IntegerField(required=False, allow_null=True, default=None)
    filters = FiltersBody(required=False, allow_null=True, default=None)
    mode = serializers.CharField(max_length=20, required=False, default=None, help_text="hybrid, exact or semantic.")
    rerank = serializers.BooleanField(required=False, allow_null=True, default=None)
    mmr = serializers.FloatField(required=False, allow_null=True, default=None)
    neighbors = serializers.IntegerField(required=False, allow_null=True, default=None)
    temporal = serializers.BooleanField(required=False, allow_null=True, default=None)
    explain = serializers.BooleanField(required=False, default=False, help_text="Say how each passage was found.")

    @classmethod
    def asked(cls, said: dict[str, Any]) -> Asked:
        """Return the question. Raises QuestionInvalid."""
        filters = dict(said["filters"] or {})
        filters = {name.removesuffix("_id"): value for name, value in filters.items()}
        names = ("top_k", "mode", "rerank", "mmr", "neighbors", "temporal", "explain")
        return Asked(text=said["query"], filters=filters_of(**filters), **{name: said[name] for name in names})


class QueryBody(AskBody):
    """A question to a project's knowledge."""

    project_id = serializers.CharField(
        max_length=ID_LENGTH, required=False, default="", help_text="Id or short name; left out: the only one."
    )
    knowledge = serializers.ListField(
        child=serializers.CharField(max_length=ID_LENGTH),
        required=False,
        default=list,
        max_length=50,
        help_text="Knowledge bases by id or short name; left out: all of the project.",
    )


class UploadQuery(Query):
    """Where an upload goes."""

    source_id = serializers.CharField(max_length=ID_LENGTH, required=False, default=None)
    folder = serializers.CharField(max_length=400, required=False, default="", help_text="What paths begin with.")
    tag = serializers.CharField(max_length=_WORD, required=False, default="")
