# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stepping into runs over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Body, OrganizationAPIView, Query, page_params, paginated
from agents.api.serializers import ApprovalShape, RunSummaryShape
from agents.operations.interventions import Decision, Verdict, cancel_run, decide_step, pause_run, resume_run
from agents.queries.approvals import list_approvals


class DecideBody(Body):
    """``POST /api/v1/runs/<id>/decide/``."""

    node_id = serializers.CharField(max_length=1000, help_text="The key of the step that waits.")
    decision = serializers.ChoiceField(
        choices=[decision.value for decision in Decision],
        help_text="Of an approval `approve` or `reject`. Of a step that may have happened: `again` makes it once more, "
        "`done` goes on as if it had given `result`, `fail` fails the step.",
    )
    form = serializers.JSONField(
        required=False, default=None, allow_null=True, help_text="With `approve`: what the form asks for."
    )
    result = serializers.JSONField(
        required=False, default=None, allow_null=True, help_text="With `done`: what the step gave."
    )


class CancelRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/cancel/``."""

    @extend_schema(request=None, responses={202: RunSummaryShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Ask for the run's end; it ends as soon as what is under way may be left."""
        return Response(RunSummaryShape(cancel_run(self.actor_of(request), run_id)).data, status=202)


class PauseRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/pause/``."""

    @extend_schema(request=None, responses={202: RunSummaryShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Let the run begin nothing more: what is under way ends, then it waits."""
        return Response(RunSummaryShape(pause_run(self.actor_of(request), run_id)).data, status=202)


class ResumeRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/resume/``."""

    @extend_schema(request=None, responses={202: RunSummaryShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Let a paused run go on."""
        return Response(RunSummaryShape(resume_run(self.actor_of(request), run_id)).data, status=202)


class DecideStepView(OrganizationAPIView):
    """``/api/v1/runs/<id>/decide/``."""

    @extend_schema(request=DecideBody, responses={202: RunSummaryShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Decide about a step that waits for people."""
        body = DecideBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        verdict = Verdict(Decision(asked["decision"]), form=asked["form"], result=asked["result"])
        run = decide_step(self.actor_of(request), run_id, node_id=asked["node_id"], verdict=verdict)
        return Response(RunSummaryShape(run).data, status=202)


class ApprovalsQuery(Query):
    """Which approvals are listed."""

    which = serializers.ChoiceField(
        choices=["mine", "all"], default="mine", help_text="Those you may answer, or all of the runs you see."
    )


class ApprovalListView(OrganizationAPIView):
    """``/api/v1/approvals/``."""

    @extend_schema(parameters=[ApprovalsQuery], responses=ApprovalShape(many=True))
    def get(self, request: Request) -> Response:
        """List what runs ask people, oldest run first; a page holds the questions of up to ``limit`` runs."""
        asked = ApprovalsQuery.parse(request.query_params)
        params = page_params(request)
        page = list_approvals(
            self.actor_of(request), mine_only=asked["which"] == "mine", cursor=params.cursor, limit=params.limit
        )
        return paginated(request, page, ApprovalShape)
