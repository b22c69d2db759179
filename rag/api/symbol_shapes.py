# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Symbols, who uses them, and the past of documents on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from rag.models import SymbolImport, SymbolReference
from rag.queries.symbols import Placed


class PathChangeShape(serializers.Serializer[Any]):
    """The newest change to a path."""

    at = serializers.DateTimeField(source="changed_at")
    author = serializers.CharField()
    subject = serializers.CharField()
    commit = serializers.CharField()


class SymbolShape(serializers.Serializer[Placed]):
    """A name and where it is defined."""

    id = serializers.UUIDField(source="symbol.pk")
    name = serializers.CharField(source="symbol.name")
    kind = serializers.CharField(source="symbol.kind")
    scope = serializers.CharField(source="symbol.scope", help_text="What it stands in, outermost first.")
    signature = serializers.CharField(source="symbol.signature")
    language = serializers.CharField(source="symbol.language")
    document = serializers.UUIDField(source="symbol.document_id")
    path = serializers.CharField(source="symbol.document.path")
    lines = serializers.SerializerMethodField()
    changed = PathChangeShape(source="past", allow_null=True, help_text="Null where its source tells no history.")

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2))
    def get_lines(self, placed: Placed) -> list[int]:
        """Return its first and last line, from 1."""
        return [placed.symbol.first_line, placed.symbol.last_line]


class SymbolUseShape(serializers.Serializer[Any]):
    """How a name is used inside of one definition."""

    kind = serializers.CharField(help_text="call, base, type, import or use.")
    inside = serializers.CharField(allow_blank=True, help_text="The full name of what it is used in.")
    lines = serializers.ListField(child=serializers.IntegerField())


class ReferenceShape(serializers.ModelSerializer[SymbolReference]):
    """A document that uses a name."""

    path = serializers.CharField(source="document.path", read_only=True)
    uses = SymbolUseShape(many=True, read_only=True)

    class Meta:
        model = SymbolReference
        fields = ("id", "name", "document", "path", "uses")
        read_only_fields = fields


class ImporterShape(serializers.ModelSerializer[SymbolImport]):
    """A document that imports another."""

    path = serializers.CharField(source="document.path", read_only=True)

    class Meta:
        model = SymbolImport
        fields = ("document", "path", "line", "module", "names")
        read_only_fields = fields


class ImportersShape(serializers.Serializer[Any]):
    """All of them."""

    results = ImporterShape(many=True)


class RecentChangeShape(serializers.Serializer[Any]):
    """One of the newest changes to a document; its lines are told as they stand now."""

    commit = serializers.CharField()
    at = serializers.DateTimeField()
    author = serializers.CharField()
    subject = serializers.CharField()
    lines = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))


class BlameShape(serializers.Serializer[Any]):
    """Lines that one commit wrote last."""

    lines = serializers.ListField(child=serializers.IntegerField())
    commit = serializers.CharField()
    at = serializers.DateTimeField()
    author = serializers.CharField()
    subject = serializers.CharField()


class PastShape(serializers.Serializer[Any]):
    """How a document came to be what it is; without commits where its source tells no history."""

    path = serializers.CharField(source="document.path")
    commits = serializers.IntegerField(source="history.commits", default=0)
    commits_lately = serializers.IntegerField(help_text="Of the newest changes, those of the last 90 days.")
    authors = serializers.DictField(source="history.authors", child=serializers.IntegerField(), default=dict)
    recent = RecentChangeShape(source="history.recent", many=True, default=list)
    blame = BlameShape(many=True)
