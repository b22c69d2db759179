# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/usage/…``: what calls used and cost, summed up, drawn over days, one by one, and to be billed on."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from accounts.rest.files import CSV, FileAPIView, csv_cell, csv_rows, streamed_file
from llm.api.cost_bodies import CostQuery, GroupsQuery, ReportQuery, SeriesQuery
from llm.api.cost_shapes import BilledShape, CallShape, GroupsShape, SeriesShape, SumsShape
from llm.queries.usage import GroupBy, billed_rows, cost_groups, cost_series, cost_sums, list_calls


class UsageGroups(FileAPIView):
    """Sums by one thing."""

    @extend_schema(operation_id="get_usage_groups", parameters=[GroupsQuery], responses=GroupsShape)
    def get(self, request: Request) -> HttpResponseBase:
        """Return calls, tokens and cost by model, flow, person, day and so on, the dearest first."""
        actor, (asked, more) = self.actor_of(request), GroupsQuery.read(request.query_params)
        groups = cost_groups(actor, asked, by=GroupBy(more["by"]))
        if more["form"] == "csv":
            return _csv_file(SumsShape(groups, many=True).data, list(SumsShape().fields), name=f"usage-by-{more['by']}")
        since, until = asked.bounds()
        told = {"since": since, "until": until, "by": more["by"], "total": cost_sums(actor, asked), "groups": groups}
        return Response(GroupsShape(told).data)


class UsageSeries(OrganizationAPIView):
    """Costs over days."""

    @extend_schema(operation_id="get_usage_series", parameters=[SeriesQuery], responses=SeriesShape)
    def get(self, request: Request) -> Response:
        """Return the cost of each day, by the dearest few and all others."""
        asked, more = SeriesQuery.read(request.query_params)
        series = cost_series(self.actor_of(request), asked, by=GroupBy(more["by"]))
        lines = [{"name": name, "cost_usd": costs} for name, costs in series.lines]
        return Response(SeriesShape({"days": series.days, "lines": lines}).data)


class UsageCalls(OrganizationAPIView):
    """Single calls."""

    @extend_schema(operation_id="list_calls", parameters=[CostQuery], responses=CallShape(many=True))
    def get(self, request: Request) -> Response:
        """List calls, newest first, each with the price that was used."""
        asked, _more = CostQuery.read(request.query_params)
        page = list_calls(self.actor_of(request), asked, **page_params(request)._asdict())
        return paginated(request, page, CallShape)


class UsageReport(FileAPIView):
    """What is to be billed on."""

    @extend_schema(
        operation_id="get_usage_report",
        parameters=[ReportQuery],
        responses={(200, "application/json"): BilledShape(many=True), (200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Take out cost and price by day, team, project, person and model, sent as it is read; 400 days at most."""
        asked, more = ReportQuery.read(request.query_params)
        return report_file(request._request, billed_rows(self.actor_of(request), asked), form=more["form"])


def report_file(request: HttpRequest, batches: Iterator[Sequence[Any]], *, form: str) -> StreamingHttpResponse:
    """Return the report as a file to keep, sent as it is read."""
    written = _written_csv(batches) if form == "csv" else _written_json(batches)
    content_type = CSV if form == "csv" else "application/json"
    return streamed_file(request, written, content_type=content_type, name=f"costs.{form}")


def _written_json(batches: Iterator[Sequence[Any]]) -> Iterator[str]:
    yield "["
    is_first = True
    for batch in batches:
        for row in BilledShape(batch, many=True).data:
            yield ("" if is_first else ",") + "\n" + json.dumps(row, ensure_ascii=False)
            is_first = False
    yield "\n]\n"


def _written_csv(batches: Iterator[Sequence[Any]]) -> Iterator[str]:
    names = list(BilledShape().fields)
    yield csv_rows([names])
    for batch in batches:
        yield csv_rows([[_cell(row[name]) for name in names] for row in BilledShape(batch, many=True).data])


def _csv_file(rows: Iterable[Any], names: Sequence[str], *, name: str) -> HttpResponse:
    text = csv_rows([names, *([_cell(row[each]) for each in names] for row in rows)])
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(text, content_type=CSV, headers=disposition)


def _cell(value: object) -> str:
    return "" if value is None else csv_cell(str(value))
