# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows and runs over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.projects import access_project, only_project
from accounts.rest import OrganizationAPIView, page_params, paginated, refuse_unknown
from agents.api.serializers import (
    AgentRunBody,
    CreateFlowBody,
    FlowCheckShape,
    FlowShape,
    FlowVersionShape,
    RunShape,
    RunSummaryShape,
    run_data,
)
from agents.operations.flows import create_flow, publish_flow, validate_flow
from agents.operations.runs import RunRequest, start_run
from agents.queries.flows import access_flow, list_flows
from agents.queries.runs import RunFilter, access_run, list_entries, list_runs


class BehindDoorView(OrganizationAPIView):
    """Tells the asynchronous door around it who asked; see agents/api/doors.py."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Write down who asked, and render at once: the door reads the answer, kept or new."""
        answer: Any = super().finalize_response(request, response, *args, **kwargs)
        answer.asked_by = request.auth
        return answer.render() if isinstance(answer, Response) else answer


class AgentRunView(BehindDoorView):
    """Starts a run; the asynchronous door around it waits for the end."""

    @extend_schema(request=AgentRunBody, responses={200: RunShape, 202: RunShape})
    def post(self, request: Request) -> Response:
        """Start a run of a flow."""
        body = AgentRunBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        actor = self.actor_of(request)
        run = start_run(
            actor,
            request=RunRequest(
                agent_id=asked["agent_id"],
                document=asked.get("flow"),
                context=asked["context"],
                input=asked.get("input", ""),
                project=asked["project_id"],
            ),
        )
        return Response(run_data(run, []), status=202, headers={"Location": f"/api/v1/runs/{run.id}/"})


class RunListView(OrganizationAPIView):
    """``/api/v1/runs/``."""

    @extend_schema(responses=RunSummaryShape(many=True))
    def get(self, request: Request) -> Response:
        """List runs, newest first; ``?which=mine`` or ``failed`` narrows."""
        wanted = request.query_params.get("which", "all")
        which = RunFilter(wanted) if wanted in set(RunFilter) else RunFilter.ALL
        params = page_params(request)
        page = list_runs(self.actor_of(request), which=which, cursor=params.cursor, limit=params.limit)
        return paginated(request, page, RunSummaryShape)


class RunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/``."""

    @extend_schema(responses=RunShape)
    def get(self, request: Request, run_id: str) -> Response:
        """Return one run with its log and result."""
        actor = self.actor_of(request)
        run = access_run(actor, run_id)
        return Response(run_data(run, list_entries(actor, run.id)))


class _RefusalsInJson(DefaultContentNegotiation):
    """Takes any Accept header: the stream is text/event-stream, and what refuses it is problem+json."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """Choose the first renderer there is."""
        return renderers[0], renderers[0].media_type


class RunEventsView(BehindDoorView):
    """Decides who may follow a run; the asynchronous door around it streams."""

    content_negotiation_class = _RefusalsInJson

    @extend_schema(operation_id="follow_run", responses={(200, "text/event-stream"): str})
    def get(self, request: Request, run_id: str) -> Response:
        """Follow a run as server-sent events; ``Last-Event-ID`` or ``?after=`` resumes behind a seq."""
        return Response({"id": str(access_run(self.actor_of(request), run_id).id)})


class FlowListView(OrganizationAPIView):
    """``/api/v1/flows/``."""

    @extend_schema(responses=FlowShape(many=True))
    def get(self, request: Request) -> Response:
        """List flows, newest first."""
        params = page_params(request)
        page = list_flows(self.actor_of(request), cursor=params.cursor, limit=params.limit)
        return paginated(request, page, FlowShape)

    @extend_schema(request=CreateFlowBody, responses={201: FlowShape})
    def post(self, request: Request) -> Response:
        """Keep a flow document as a draft."""
        body = CreateFlowBody(data=request.data)
        body.is_valid(raise_exception=True)
        actor, named = self.actor_of(request), body.validated_data["project_id"]
        project = access_project(actor, named) if named else only_project(actor)
        flow = create_flow(
            actor,
            project=project,
            document=body.validated_data["document"],
            is_team_template=body.validated_data["is_team_template"],
        )
        return Response(FlowShape(flow).data, status=201)


class FlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/``."""

    @extend_schema(responses=FlowShape)
    def get(self, request: Request, flow: str) -> Response:
        """Return one flow."""
        return Response(FlowShape(access_flow(self.actor_of(request), flow)).data)


class PublishFlowView(OrganizationAPIView):
    """``/api/v1/flows/<id or slug>/publish/``."""

    @extend_schema(request=None, responses={201: FlowVersionShape})
    def post(self, request: Request, flow: str) -> Response:
        """Freeze the draft as the next version and make it the one that runs."""
        return Response(FlowVersionShape(publish_flow(self.actor_of(request), flow=flow)).data, status=201)


class ValidateFlowView(OrganizationAPIView):
    """``/api/v1/flows/validate/``."""

    @extend_schema(request=CreateFlowBody, responses=FlowCheckShape)
    def post(self, request: Request) -> Response:
        """List everything that is wrong with a flow document, without keeping it."""
        self.actor_of(request)
        refuse_unknown(request.data, known=CreateFlowBody().fields)
        problems = validate_flow(request.data.get("document") if isinstance(request.data, dict) else None)
        shape = {"is_valid": not problems, "problems": [{"place": p.place, "message": p.message} for p in problems]}
        return Response(shape)
