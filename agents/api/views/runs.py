# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs over HTTP."""

import json
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.projects import access_project
from accounts.rest import OrganizationAPIView, page_params, paginated
from agents.api.admission import doorway
from agents.api.serializers import AgentRunBody, RunShape, RunSummaryShape, run_data
from agents.api.views.tickets import TicketAuthentication
from agents.operations.runs import RunRequest, start_run
from agents.queries.live import is_seq
from agents.queries.places import list_waits
from agents.queries.runs import RunFilter, access_content, access_run, list_entries, list_runs
from agents.queries.timeline import read_standing
from agents.queries.travel import count_children
from codexos.kernel.errors import InvalidInput

_RESUMES = "Last-Event-ID"


class BehindDoorView(OrganizationAPIView):
    """Tells the asynchronous door around it who asked for which run; see agents/api/doors.py."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Write down who asked, and render at once: the door reads the answer, kept or new."""
        answer: Any = super().finalize_response(request, response, *args, **kwargs)
        answer.asked_by = request.auth
        answer = answer.render() if isinstance(answer, Response) else answer
        around = doorway.get()
        if around is not None and answer.status_code in (200, 202):
            around.actor, around.run_id = self.actor_of(request), UUID(json.loads(answer.content)["id"])
        return answer


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
                conversation_id=asked["conversation_id"],
            ),
        )
        return Response(run_data(run, []), status=202, headers={"Location": f"/api/v1/runs/{run.id}/"})


class RunListView(OrganizationAPIView):
    """``/api/v1/runs/``."""

    @extend_schema(
        parameters=[OpenApiParameter("project_id", str, description="Those of a project: its id or short name.")],
        responses=RunSummaryShape(many=True),
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first; ``?which=mine`` or ``failed`` narrows, and ``?project_id=``."""
        wanted, named = request.query_params.get("which", "all"), request.query_params.get("project_id")
        actor = self.actor_of(request)
        project_id = access_project(actor, named).pk if named else None
        which = RunFilter(wanted) if wanted in set(RunFilter) else RunFilter.ALL
        params = page_params(request)
        page = list_runs(actor, which=which, project_id=project_id, cursor=params.cursor, limit=params.limit)
        return paginated(request, page, RunSummaryShape)


class RunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/``."""

    @extend_schema(responses=RunShape)
    def get(self, request: Request, run_id: str) -> Response:
        """Return one run with its log and result."""
        actor = self.actor_of(request)
        run = access_run(actor, run_id)
        wait = list_waits(actor, [run]).get(run.id)
        standing, children = read_standing(actor, run), count_children(actor, run)
        entries = list_entries(actor, run.id)
        return Response(run_data(run, entries, standing=standing, wait=wait, children=children))


class _RefusalsInJson(DefaultContentNegotiation):
    """Takes any Accept header: the stream is text/event-stream, and what refuses it is problem+json."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """Choose the first renderer there is."""
        return renderers[0], renderers[0].media_type


class RunEventsView(BehindDoorView):
    """Decides who may follow a run; the asynchronous door around it streams."""

    content_negotiation_class = _RefusalsInJson

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Ask for the ticket where a socket brought one, and for nothing else then."""
        around = doorway.get()
        return super().get_authenticators() if around is None or around.ticket is None else [TicketAuthentication()]

    @extend_schema(operation_id="follow_run", responses={(200, "text/event-stream"): str})
    def get(self, request: Request, run_id: str) -> Response:
        """Follow a run as server-sent events; ``Last-Event-ID`` or ``?after=`` resumes behind a seq."""
        run = access_content(self.actor_of(request), run_id)
        for place, offered in (("after", request.GET.get("after")), (_RESUMES, request.headers.get(_RESUMES))):
            if offered and not is_seq(offered):
                message = f"{place} must be the last seq you saw: a whole number, 0 for everything."
                raise InvalidInput(message, errors=[{"place": place, "message": message}])
        return Response({"id": str(run.id)})
