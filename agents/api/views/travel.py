# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Going on from runs over HTTP, and replaying them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Body, OrganizationAPIView
from agents.api.serializers import JourneyShape
from agents.operations.travel import Change, fork_run, replay_run, rerun_from, retry_run, try_draft


class RerunBody(Body):
    """``POST /api/v1/runs/<id>/rerun/``."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the wire's word, which Python has for itself."""
        return {"from": serializers.CharField(max_length=1000, help_text="The step to begin with, by its key.")}


class ForkBody(Body):
    """``POST /api/v1/runs/<id>/fork/``."""

    steps = serializers.DictField(required=False, default=dict, help_text="Other results of steps, by their keys.")
    state = serializers.DictField(required=False, default=dict, help_text="Other values of the flow's variables.")
    input = serializers.JSONField(required=False, help_text="Another input: everything is done again.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add the wire's word, which Python has for itself."""
        start = serializers.CharField(
            max_length=1000, required=False, allow_null=True, default=None, help_text="A step to be done again as well."
        )
        return {**super().get_fields(), "from": start}


class TryDraftBody(Body):
    """``POST /api/v1/runs/<id>/try-draft/``."""

    document = serializers.DictField(required=False, allow_null=True, default=None, help_text="Else the flow's draft.")


class DifferenceShape(serializers.Serializer[Any]):
    """An entry that did not come again as the record has it."""

    seq = serializers.IntegerField()
    node_id = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    was = serializers.JSONField(allow_null=True)
    now = serializers.JSONField(allow_null=True)


class ReplayShape(serializers.Serializer[Any]):
    """What a replay came to."""

    identical = serializers.BooleanField()
    compared = serializers.IntegerField(help_text="How many entries of the journal were compared.")
    differences = DifferenceShape(many=True)
    output = serializers.JSONField(allow_null=True)


class RetryRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/retry/``."""

    @extend_schema(request=None, responses={202: JourneyShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Do what failed in another run, which keeps what was done."""
        return _accepted(retry_run(self.actor_of(request), run_id))


class RerunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/rerun/``."""

    @extend_schema(request=RerunBody, responses={202: JourneyShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Do a step again, and all that depends on it, in another run."""
        body = RerunBody(data=request.data)
        body.is_valid(raise_exception=True)
        return _accepted(rerun_from(self.actor_of(request), run_id, start=body.validated_data["from"]))


class ForkRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/fork/``."""

    @extend_schema(operation_id="fork_run", request=ForkBody, responses={202: JourneyShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Go on in another run with results, variables or the input changed."""
        body = ForkBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        change = Change(asked["steps"], asked["state"], asked.get("input"), "input" in asked, asked["from"])
        return _accepted(fork_run(self.actor_of(request), run_id, change=change))


class TryDraftView(OrganizationAPIView):
    """``/api/v1/runs/<id>/try-draft/``."""

    @extend_schema(request=TryDraftBody, responses={202: JourneyShape})
    def post(self, request: Request, run_id: str) -> Response:
        """Do another drawing with what this run came to: only what changed, and what depends on it, is done."""
        body = TryDraftBody(data=request.data)
        body.is_valid(raise_exception=True)
        return _accepted(try_draft(self.actor_of(request), run_id, document=body.validated_data["document"]))


class ReplayRunView(OrganizationAPIView):
    """``/api/v1/runs/<id>/replay/``."""

    @extend_schema(request=None, responses=ReplayShape)
    def post(self, request: Request, run_id: str) -> Response:
        """Do a run once more from its record, without a call to the outside, and compare every entry."""
        found = replay_run(self.actor_of(request), run_id)
        return Response(
            {
                "identical": found.is_identical,
                "compared": found.compared,
                "differences": [each.as_data() for each in found.differences],
                "output": found.output,
            }
        )


def _accepted(run: Any) -> Response:
    return Response(JourneyShape(run).data, status=202, headers={"Location": f"/api/v1/runs/{run.id}/"})
