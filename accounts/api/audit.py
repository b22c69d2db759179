# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/audit-events/``"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.operations.audit import export_audit_events
from accounts.queries.audit import AuditFilters, access_audit_event, list_audit_events
from accounts.rest import OrganizationAPIView, Query, page_params, paginated
from accounts.rest.bodies import DATE_OR_MOMENT
from accounts.rest.files import CSV, FileAPIView, csv_cell, csv_rows, streamed_file

CONTENT_TYPES = {"csv": CSV, "jsonl": "application/jsonl"}


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


class AuditEventExport(FileAPIView):
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


def audit_file(request: HttpRequest, batches: Iterable[Sequence[Any]], *, form: str) -> StreamingHttpResponse:
    """Return batches of the trail as a file to keep, sent as they are read."""
    written = _written_csv(batches) if form == "csv" else _written_lines(batches)
    return streamed_file(request, written, content_type=CONTENT_TYPES[form], name=f"audit.{form}")


def _written_lines(batches: Iterable[Sequence[Any]]) -> Iterator[str]:
    for batch in batches:
        rows = AuditEventShape(batch, many=True).data
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _written_csv(batches: Iterable[Sequence[Any]]) -> Iterator[str]:
    names = list(AuditEventShape().fields)
    yield csv_rows([names])
    for batch in batches:
        rows = AuditEventShape(batch, many=True).data
        yield csv_rows([[_cell(row[name]) for name in names] for row in rows])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return csv_cell(text)
