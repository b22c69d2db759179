# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stepping into runs over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Body, OrganizationAPIView
from agents.api.serializers import RunSummaryShape
from agents.operations.interventions import Decision, cancel_run, decide_step


class DecideBody(Body):
    """``POST /api/v1/runs/<id>/decide/``."""

    node_id = serializers.CharField(max_length=100, help_text="The step that waits.")
    decision = serializers.ChoiceField(
        choices=[decision.value for decision in Decision],
        help_text="`again` makes it once more, `done` goes on as if it had given `result`, `fail` fails the step.",
    )
    result = serializers.JSONField(required=False, default=None, help_text="With `done`: what the step gave.")


class CancelRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/cancel/``."""

    @extend_schema(request=None, responses={202: RunSummaryShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Ask for the run's end; it ends as soon as what is under way may be left."""
        return Response(RunSummaryShape(cancel_run(self.actor_of(request), run_id)).data, status=202)


class DecideStepView(OrganizationAPIView):
    """``/api/v1/runs/<id>/decide/``."""

    @extend_schema(request=DecideBody, responses={202: RunSummaryShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Decide about a step that waits because its effect may have happened."""
        body = DecideBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        run = decide_step(
            self.actor_of(request),
            run_id,
            node_id=asked["node_id"],
            decision=Decision(asked["decision"]),
            result=asked["result"],
        )
        return Response(RunSummaryShape(run).data, status=202)
