# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/audit-events/``"""

import csv
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from io import StringIO
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.operations.audit import export_audit_events
from accounts.queries.audit import AuditFilters, access_audit_event, list_audit_events
from accounts.rest import OrganizationAPIView, Query, page_params, paginated

DATE_OR_MOMENT = ["iso-8601", "%Y-%m-%d"]
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AuditEventShape(serializers.Serializer[Any]):
    """One deed: who did what to which thing, from where."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField(source="created_at")
    actor_kind = serializers.CharField()
    actor_id = serializers.UUIDField(allow_null=True)
    actor_label = serializers.CharField()
    token_id = serializers.UUIDField(allow_null=True)
    break_glass_id = serializers.UUIDField(allow_null=True)
    action = serializers.CharField()
    about_kind = serializers.CharField()
    about_id = serializers.CharField()
    about_label = serializers.CharField()
    details = serializers.JSONField()
    request_id = serializers.CharField()
    address = serializers.CharField()


class AuditQuery(Query):
    """Which deeds to list."""

    actor = serializers.CharField(required=False, max_length=254, help_text="A person's id or part of their address.")
    action = serializers.CharField(required=False, max_length=60, help_text='"token.issued", or "token" for all.')
    about = serializers.CharField(required=False, max_length=254, help_text="A thing's id, kind or part of its name.")
    since = serializers.DateTimeField(required=False, input_formats=DATE_OR_MOMENT, help_text="From then on.")
    until = serializers.DateTimeField(required=False, input_formats=DATE_OR_MOMENT, help_text="Before then.")


class AuditExportQuery(AuditQuery):
    """Which deeds to take out, and written how."""

    form = serializers.ChoiceField(choices=sorted(CONTENT_TYPES), default="csv")


class AuditEventList(OrganizationAPIView):
    """The audit trail of the organization."""

    @extend_schema(parameters=[AuditQuery], responses=AuditEventShape(many=True))
    def get(self, request: Request) -> Response:
        """List deeds, newest first."""
        filters = AuditFilters(**AuditQuery.parse(request.query_params))
        page = list_audit_events(self.actor_of(request), filters=filters, **page_params(request)._asdict())
        return paginated(request, page, AuditEventShape)


class AuditEventDetail(OrganizationAPIView):
    """One deed."""

    @extend_schema(responses=AuditEventShape)
    def get(self, request: Request, event_id: UUID) -> Response:
        """Return a deed."""
        return Response(AuditEventShape(access_audit_event(self.actor_of(request), event_id)).data)


class AuditEventExport(OrganizationAPIView):
    """The audit trail as a file."""

    @extend_schema(
        operation_id="export_audit_events",
        parameters=[AuditExportQuery],
        responses={(200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind in CONTENT_TYPES.values()},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Take deeds out, newest first, as CSV or one JSON object a line. Taking them out is a deed itself."""
        asked = AuditExportQuery.parse(request.query_params)
        form = str(asked.pop("form"))
        batches = export_audit_events(self.actor_of(request), filters=AuditFilters(**asked), form=form)
        return audit_file(request._request, batches, form=form)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take any Accept header: what is sent is asked for by name, and errors are problems all the same."""
        return JSONRenderer(), JSONRenderer.media_type


def audit_file(request: HttpRequest, batches: Iterable[Sequence[Any]], *, form: str) -> StreamingHttpResponse:
    """Return batches of the trail as a file to keep, sent as they are read."""
    written = _written_csv(batches) if form == "csv" else _written_lines(batches)
    response = StreamingHttpResponse(_streamed(request, written), content_type=CONTENT_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    response["Cache-Control"] = "no-store"
    return response


def _written_lines(batches: Iterable[Sequence[Any]]) -> Iterator[str]:
    for batch in batches:
        rows = AuditEventShape(batch, many=True).data
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _written_csv(batches: Iterable[Sequence[Any]]) -> Iterator[str]:
    names = list(AuditEventShape().fields)
    yield _csv_rows([names])
    for batch in batches:
        rows = AuditEventShape(batch, many=True).data
        yield _csv_rows([[_cell(row[name]) for name in names] for row in rows])


def _csv_rows(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A spreadsheet would take such a cell for a formula and do what whoever named the thing wrote there.
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _streamed(request: HttpRequest, pieces: Iterator[str]) -> Iterator[str] | AsyncIterator[str]:
    # Under ASGI, Django would read a plain iterator to its end before it sends the first byte.
    return _streamed_async(pieces) if isinstance(request, ASGIRequest) else pieces


async def _streamed_async(pieces: Iterator[str]) -> AsyncIterator[str]:
    def take() -> str | None:
        return next(pieces, None)

    while (piece := await sync_to_async(take)()) is not None:
        yield piece
