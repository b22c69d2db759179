# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows over HTTP: making, reading, changing, checking."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.projects import access_project, only_project
from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated, refuse_unknown
from agents.api.estimate_shapes import EstimateBody, EstimateShape
from agents.api.flow_shapes import (
    FORMATS,
    ChangeFlowBody,
    ConvertBody,
    ConvertedShape,
    CreateFlowBody,
    ExportQuery,
    FlowCheckShape,
    FlowShape,
    FlowsQuery,
    FlowSummaryShape,
    ForkFlowBody,
)
from agents.operations.checking import check_document, convert_text, is_sound, read_sent
from agents.operations.estimates import estimate_flow
from agents.operations.flows import FlowEdit, archive_flow, change_flow, create_flow, fork_flow, unarchive_flow
from agents.operations.pinning import check_draft
from agents.queries.flows import access_flow, list_flows
from agents.queries.versions import text_of_flow

_MEDIA_TYPES = {"json": "application/json", "yaml": "application/yaml"}


def flow_etag(flow: Any) -> str:
    """Return a flow's ETag: its revision, by which edits are guarded, and what else of it may change."""
    published = flow.published.number if flow.published else 0
    return f'"{flow.revision}.{published}{"a" if flow.is_archived else ""}"'


def answer_flow(flow: Any, *, status: int = 200) -> Response:
    """Answer a flow in full, with its ETag."""
    return Response(FlowShape(flow).data, status=status, headers={"ETag": flow_etag(flow)})


class AnyFormat(DefaultContentNegotiation):
    """Leaves ``?format=`` to the view, which means a flow's format by it."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """Choose the first renderer there is."""
        return renderers[0], renderers[0].media_type


class FlowListView(OrganizationAPIView):
    """``/api/v1/flows/``."""

    @extend_schema(parameters=[FlowsQuery], responses=FlowSummaryShape(many=True))
    def get(self, request: Request) -> Response:
        """List flows, newest first."""
        actor, params = self.actor_of(request), page_params(request)
        asked = FlowsQuery.parse(request.query_params)
        project = access_project(actor, asked["project_id"]) if asked["project_id"] else None
        page = list_flows(actor, archived=asked["archived"], project=project, cursor=params.cursor, limit=params.limit)
        return paginated(request, page, FlowSummaryShape)

    @extend_schema(request=CreateFlowBody, responses={201: FlowShape})
    def post(self, request: Request) -> Response:
        """Keep a flow as a draft; an unfinished one too, with its problems told."""
        actor, body = self.actor_of(request), CreateFlowBody.parse(request.data)
        project_id = body.pop("project_id")
        flow = create_flow(
            actor,
            project=access_project(actor, project_id) if project_id else only_project(actor),
            document=read_sent(body.pop("document", None), source=body.pop("source", None), format=_format(body)),
            **body,
        )
        return answer_flow(flow, status=201)


class FlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/``."""

    @extend_schema(responses=FlowShape)
    def get(self, request: Request, flow: str) -> Response:
        """Return a flow with its draft and everything that is wrong with it."""
        return answer_flow(access_flow(self.actor_of(request), flow))

    @extend_schema(request=ChangeFlowBody, responses=FlowShape)
    def put(self, request: Request, flow: str) -> Response:
        """Save a draft; ``If-Match`` keeps two people from losing each other's work."""
        return self._change(request, flow, is_partial=False)

    @extend_schema(request=ChangeFlowBody(partial=True), responses=FlowShape)
    def patch(self, request: Request, flow: str) -> Response:
        """Change a flow's draft, name, short name or owner."""
        return self._change(request, flow, is_partial=True)

    def _change(self, request: Request, flow: str, *, is_partial: bool) -> Response:
        body = ChangeFlowBody.parse(request.data, partial=is_partial)
        document, source, format = body.pop("document", None), body.pop("source", None), _format(body)
        is_drawn = document is not None or source is not None
        edit = FlowEdit(draft=read_sent(document, source=source, format=format) if is_drawn else None, **body)
        actor = self.actor_of(request)
        return answer_flow(change_flow(actor, flow, edit=edit, expected=expected_revisions(request)))


class EstimateFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or short name>/estimate/``."""

    @extend_schema(operation_id="estimate_flow", request=EstimateBody, responses=EstimateShape)
    def post(self, request: Request, flow: str) -> Response:
        """Say what a run would cost, at least, as expected and at most; null where that cannot be known."""
        body = EstimateBody.parse(request.data)
        estimate = estimate_flow(self.actor_of(request), flow, given=body.get("input", ""), is_draft=body["draft"])
        return Response(EstimateShape(estimate).data)


class ArchiveFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/archive/``."""

    @extend_schema(request=None, responses=FlowShape)
    def post(self, request: Request, flow: str) -> Response:
        """Put a flow away: lists leave it out and nothing starts it."""
        return answer_flow(archive_flow(self.actor_of(request), flow))


class UnarchiveFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/unarchive/``."""

    @extend_schema(request=None, responses=FlowShape)
    def post(self, request: Request, flow: str) -> Response:
        """Take a flow out of the archive."""
        return answer_flow(unarchive_flow(self.actor_of(request), flow))


class ForkFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/fork/``."""

    @extend_schema(request=ForkFlowBody, responses={201: FlowShape})
    def post(self, request: Request, flow: str) -> Response:
        """Copy a flow into one's own: its published version, else its draft."""
        body = ForkFlowBody.parse(request.data)
        made = fork_flow(self.actor_of(request), flow, project=body.pop("project_id"), **body)
        return answer_flow(made, status=201)


class ExportFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/export/``."""

    content_negotiation_class = AnyFormat

    @extend_schema(
        operation_id="export_flow",
        parameters=[ExportQuery],
        responses={(200, "application/json"): dict, (200, "application/yaml"): str},
    )
    def get(self, request: Request, flow: str) -> HttpResponse:
        """Write out the draft or a version as a file; as it was written where the format is its own."""
        asked = ExportQuery.parse(request.query_params)
        found, draft = text_of_flow(self.actor_of(request), flow, number=asked["version"])
        wanted = asked.get("format", draft.format.value)
        text = draft.source if wanted == draft.format else convert_text(draft.source, to=wanted).source
        answer = HttpResponse(text, content_type=f"{_MEDIA_TYPES[wanted]}; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{found.slug}.{wanted}"'
        return answer


class ValidateFlowView(OrganizationAPIView):
    """``/api/v1/flows/validate/``."""

    @extend_schema(request=CreateFlowBody, responses=FlowCheckShape)
    def post(self, request: Request) -> Response:
        """List everything that is wrong with a flow, by its document or its text, without keeping it.

        With a ``project_id`` it is warned of secrets that the caller may not use there, and a text of flows it does
        that do not run there.
        """
        actor = self.actor_of(request)
        refuse_unknown(request.data, known=CreateFlowBody().fields)
        sent = request.data if isinstance(request.data, dict) else {}
        project = access_project(actor, str(sent["project_id"])) if sent.get("project_id") else None
        source, format = sent.get("source"), sent.get("format")
        problems = (
            check_draft(actor, source, format=format if format in FORMATS else None, project=project)
            if isinstance(source, str)
            else check_document(actor, sent.get("document"), project=project)
        )
        return Response(FlowCheckShape({"is_valid": is_sound(problems), "problems": problems}).data)


class ConvertFlowView(OrganizationAPIView):
    """``/api/v1/flows/convert/``."""

    @extend_schema(request=ConvertBody, responses=ConvertedShape)
    def post(self, request: Request) -> Response:
        """Write a flow's text in the other format, without keeping it."""
        self.actor_of(request)
        body = ConvertBody.parse(request.data)
        return Response(ConvertedShape(convert_text(body["source"], to=body["to"])).data)


def _format(body: dict[str, Any]) -> str | None:
    format: str | None = body.pop("format", None)
    return format
