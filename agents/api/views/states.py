# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The state of runs over HTTP, while they go on and afterwards."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, page_params, paginated
from agents.api.serializers import LogLineShape, UsageShape
from agents.queries.states import list_steps, read_state, read_step

_LANE = OpenApiParameter("lane", str, description="Only the steps of this lane; empty for the run's own nodes.")


class WaitsForShape(serializers.Serializer[Any]):
    """What a step waits for."""

    reason = serializers.CharField(help_text="`approval`, `may_have_happened` or `retry`.")
    message = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)


class LanesShape(serializers.Serializer[Any]):
    """How far a node has come that holds lanes."""

    count = serializers.IntegerField(allow_null=True, help_text="How many there will be; null where nobody knows yet.")
    begun = serializers.IntegerField()
    ended = serializers.IntegerField()


class StepShape(serializers.Serializer[Any]):
    """A step: one doing of a node."""

    key = serializers.CharField(source="facts.id", help_text="Its name in this run, such as `each[3]/draft`.")
    node = serializers.CharField(source="facts.node")
    kind = serializers.CharField(source="facts.kind")
    lane = serializers.CharField(source="facts.lane", help_text="The lane it stands in; empty for the run's own.")
    state = serializers.ChoiceField(
        choices=["queued", "running", "waiting", "succeeded", "failed", "skipped"], source="facts.state"
    )
    attempts = serializers.IntegerField(source="facts.attempts")
    started_at = serializers.DateTimeField(source="facts.started_at", allow_null=True)
    duration_seconds = serializers.FloatField(source="facts.duration_seconds", allow_null=True)
    usage = UsageShape(source="facts.spent", allow_null=True, help_text="With what its lanes spent.")
    error = serializers.JSONField(source="facts.error", allow_null=True)
    waits_for = WaitsForShape(allow_null=True)
    lanes = LanesShape(source="facts.held", allow_null=True, help_text="Of a node that does a body in lanes.")


class StepDetailShape(StepShape):
    """A step in full."""

    asked = serializers.ListField(child=serializers.JSONField(), help_text="What it asked, once for each try.")
    has_result = serializers.BooleanField()
    result = serializers.JSONField(allow_null=True)
    variables = serializers.JSONField(help_text="The variables it set.")
    sources = serializers.ListField(child=serializers.CharField(), help_text="The steps whose results lead to it.")
    message = serializers.CharField(help_text="Why there is no result, where there is none.")
    logs = LogLineShape(many=True)


class SpentShape(serializers.Serializer[Any]):
    """What a node spent."""

    node = serializers.CharField(source="id")
    usage = UsageShape(source="spent")


class StateShape(serializers.Serializer[Any]):
    """What a run holds by now."""

    status = serializers.CharField()
    last_seq = serializers.IntegerField(help_text="The entry of the journal that this is the state after.")
    variables = serializers.JSONField()
    results = serializers.JSONField(help_text="What its own nodes gave so far, by their ids.")
    nodes = SpentShape(many=True, source="spent", help_text="What its own nodes spent, with their lanes.")
    usage = UsageShape()


class StepListView(OrganizationAPIView):
    """``/api/v1/runs/<id>/steps/``."""

    @extend_schema(parameters=[_LANE], responses=StepShape(many=True))
    def get(self, request: Request, run_id: str) -> Response:
        """List the steps of a run by now: its own nodes in their order, then what its lanes do, as it came."""
        params = page_params(request)
        lane = request.query_params.get("lane")
        page = list_steps(self.actor_of(request), run_id, lane=lane, cursor=params.cursor, limit=params.limit)
        return paginated(request, page, StepShape)


class StepView(OrganizationAPIView):
    """``/api/v1/runs/<id>/steps/<key>/``."""

    @extend_schema(responses=StepDetailShape)
    def get(self, request: Request, run_id: str, key: str) -> Response:
        """Return what a step was asked and gave."""
        line, seen = read_step(self.actor_of(request), run_id, key)
        more = {
            "asked": seen.asked,
            "has_result": seen.has_result,
            "result": seen.result,
            "variables": seen.set,
            "sources": seen.sources,
            "message": seen.message,
            "logs": LogLineShape(seen.log_lines, many=True).data,
        }
        return Response({**StepShape(line).data, **more})


class StateView(OrganizationAPIView):
    """``/api/v1/runs/<id>/state/``."""

    @extend_schema(operation_id="get_run_state", responses=StateShape)
    def get(self, request: Request, run_id: str) -> Response:
        """Return a run's variables, results and spending by now."""
        return Response(StateShape(read_state(self.actor_of(request), run_id)).data)
