# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Stepping into runs over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Body, OrganizationAPIView
from agents.api.serializers import RunSummaryShape
from agents.operations.interventions import cancel_run, decide_step, pause_run, resume_run
from agents.operations.verdicts import Decision, Verdict


class DecideBody(Body):
    """``POST /api/v1/runs/<id>/decide/``."""

    node_id = serializers.CharField(max_length=1000, help_text="The key of the step that waits.")
    decision = serializers.ChoiceField(
        choices=[decision.value for decision in Decision],
        help_text="Of an approval `approve` or `reject`; of a call that waits to be made also `approve_for_run`. Of a "
        "step that may have happened: `again` makes it once more, `done` goes on as if it had given `result`, `fail` "
        "fails the step.",
    )
    form = serializers.JSONField(
        required=False, default=None, allow_null=True, help_text="With `approve`: what the form asks for."
    )
    result = serializers.JSONField(
        required=False, default=None, allow_null=True, help_text="With `done`: what the step gave."
    )
    hash = serializers.CharField(
        required=False, default=None, allow_null=True, max_length=64, help_text="Of a call: that of what you saw."
    )
    arguments = serializers.DictField(
        required=False,
        default=None,
        allow_null=True,
        help_text="With `approve` of a call: what to make it with instead. What you leave as it was shown stays as it "
        "is, secrets too.",
    )
    note = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Of a call: why, for the record."
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
        more = {name: asked[name] for name in ("form", "result", "hash", "arguments", "note")}
        verdict = Verdict(Decision(asked["decision"]), **more)
        run = decide_step(self.actor_of(request), run_id, node_id=asked["node_id"], verdict=verdict)
        return Response(RunSummaryShape(run).data, status=202)
