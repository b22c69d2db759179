# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Passages on the wire."""

from typing import Any

from rest_framework import serializers

from rag.operations.retrieval import Retrieved


class CitationShape(serializers.Serializer[Any]):
    """Where a passage stands."""

    path = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    lines = serializers.ListField(child=serializers.IntegerField(), allow_null=True, help_text="The first and last.")
    commit = serializers.CharField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True, help_text="Of the chunk: whether it still says the same.")


class PassageShape(serializers.Serializer[Any]):
    """A passage found for a question."""

    chunk_id = serializers.UUIDField()
    document_id = serializers.UUIDField()
    knowledge_base_id = serializers.UUIDField(allow_null=True)
    title = serializers.CharField()
    text = serializers.CharField()
    context = serializers.CharField(help_text="What it stands under: headings, or signature and scope.")  # type: ignore[assignment]
    score = serializers.FloatField()
    source_type = serializers.CharField()
    citation = CitationShape()
    legs = serializers.DictField(required=False, help_text="With explain: rank and score by each way of finding.")


class AnswerShape(serializers.Serializer[Any]):
    """What was found for a question, best first."""

    results = PassageShape(many=True)
    took_ms = serializers.FloatField()
    notes = serializers.ListField(child=serializers.CharField(), help_text="What could not be done, and why.")


def answer_of(retrieved: Retrieved, *, explain: bool) -> dict[str, Any]:
    """Return what was found as it is sent."""
    return {
        "results": [_passage(each, explain=explain) for each in retrieved.found.passages],
        "took_ms": retrieved.took_ms,
        "notes": list(retrieved.found.notes),
    }


def _passage(passage: Any, *, explain: bool) -> dict[str, Any]:
    said = {
        "chunk_id": str(passage.chunk_id),
        "document_id": str(passage.document_id),
        "knowledge_base_id": str(passage.base_id) if passage.base_id else None,
        "title": passage.title,
        "text": passage.text,
        "context": passage.context,
        "score": passage.score,
        "source_type": passage.source_type,
        "citation": passage.citation.as_json(),
    }
    if explain:
        said["legs"] = {name: leg.as_json() for name, leg in passage.legs.items()}
    return said
