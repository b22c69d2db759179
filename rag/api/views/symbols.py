# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Symbols over HTTP: what code defines and where, who uses it, who imports it; and a document's past."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from rag.api.symbol_shapes import ImportersShape, PastShape, ReferenceShape, SymbolShape
from rag.operations.pasts import read_past
from rag.queries.symbols import SymbolFilter, find_importers, list_references, list_symbols


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
        past = read_past(self.actor_of(request), document, lines=request.query_params.get("lines", ""))
        return Response(PastShape(past).data)
