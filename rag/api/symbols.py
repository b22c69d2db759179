# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Symbols over HTTP: what code defines and where, who uses it, who imports it; and a document's past."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from rag.models import SymbolImport, SymbolReference
from rag.operations.pasts import Past, read_past
from rag.queries.symbols import Placed, SymbolFilter, find_importers, list_references, list_symbols


class ChangeShape(serializers.Serializer[Any]):
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
    changed = ChangeShape(source="past", allow_null=True, help_text="Null where its source tells no history.")

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2))
    def get_lines(self, placed: Placed) -> list[int]:
        """Return its first and last line, from 1."""
        return [placed.symbol.first_line, placed.symbol.last_line]


class UseShape(serializers.Serializer[Any]):
    """How a name is used inside of one definition."""

    kind = serializers.CharField(help_text="call, base, type, import or use.")
    inside = serializers.CharField(allow_blank=True, help_text="The full name of what it is used in.")
    lines = serializers.ListField(child=serializers.IntegerField())


class ReferenceShape(serializers.ModelSerializer[SymbolReference]):
    """A document that uses a name."""

    path = serializers.CharField(source="document.path", read_only=True)
    uses = UseShape(many=True, read_only=True)

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


class RecentShape(serializers.Serializer[Any]):
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
    recent = RecentShape(source="history.recent", many=True, default=list)
    blame = BlameShape(many=True)


class SymbolList(OrganizationAPIView):
    """The symbols of a knowledge base."""

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "name", str, description="A name, however it is spelled; what stands before a dot is not compared."
            ),
            OpenApiParameter("words", str, description="All of these words stand in the name."),
            OpenApiParameter("kind", str, description="class, function, method, module and others."),
            OpenApiParameter("prefix", str, description="Only in documents whose path begins so."),
        ],
        responses=SymbolShape(many=True),
        operation_id="list_symbols",
    )
    def get(self, request: Request, base: str) -> Response:
        """List what a knowledge base's code defines, with where and when it changed last."""
        asked = request.query_params
        which = SymbolFilter(**{name: asked.get(name, "")[:400] for name in ("name", "words", "kind", "prefix")})
        page = list_symbols(self.actor_of(request), base, which=which, **page_params(request)._asdict())
        return paginated(request, page, SymbolShape)


class ReferenceList(OrganizationAPIView):
    """Who uses a symbol."""

    @extend_schema(responses=ReferenceShape(many=True), operation_id="list_symbol_references")
    def get(self, request: Request, base: str, symbol: str) -> Response:
        """List the documents that use a symbol's name: how, inside of what, on which lines."""
        page = list_references(self.actor_of(request), base, symbol, **page_params(request)._asdict())
        return paginated(request, page, ReferenceShape)


class Importers(OrganizationAPIView):
    """Who imports a symbol."""

    @extend_schema(responses=ImportersShape, operation_id="find_symbol_importers")
    def get(self, request: Request, base: str, symbol: str) -> Response:
        """Return the imports that lead to where a symbol is defined, at most 500."""
        rows = find_importers(self.actor_of(request), base, symbol)
        return Response(ImportersShape({"results": rows}).data)


class DocumentPast(OrganizationAPIView):
    """How a document came to be what it is."""

    @extend_schema(
        parameters=[OpenApiParameter("lines", str, description="Tell who wrote these lines last, such as 10-20.")],
        responses=PastShape,
        operation_id="get_document_past",
    )
    def get(self, request: Request, document: str) -> Response:
        """Return a document's newest changes, who made how many, and on request who wrote which lines."""
        past: Past = read_past(self.actor_of(request), document, lines=request.query_params.get("lines", ""))
        return Response(PastShape(past).data)
