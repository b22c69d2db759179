# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools over HTTP: what flows may call here."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.pages import Page
from accounts.rest import OrganizationAPIView, paginated
from agents.operations.tools import list_tools


class ToolShape(serializers.Serializer[Any]):
    """A tool that flows may call."""

    name = serializers.CharField(source="spec.name")
    description = serializers.CharField(source="spec.description")
    arguments_schema = serializers.JSONField(source="spec.schema", help_text="JSON Schema of what it takes.")
    result_schema = serializers.JSONField(source="spec.result_schema", help_text="JSON Schema of what it gives.")
    capabilities = serializers.ListField(
        child=serializers.CharField(),
        source="spec.capabilities",
        help_text="What it touches: read, write, egress:<host> (* for any that the installation lets out to).",
    )
    repeatable = serializers.ChoiceField(
        choices=["always", "some", "never"],
        source="spec.repeatable",
        help_text="Which calls are made again after a crash; the others wait for a person.",
    )
    timeout_seconds = serializers.FloatField(source="spec.timeout_seconds")
    is_available = serializers.BooleanField()
    note = serializers.CharField(help_text="What a setting of this installation does to it, or why it is not there.")


class ToolListView(OrganizationAPIView):
    """``/api/v1/tools/``."""

    @extend_schema(operation_id="list_tools", responses=ToolShape(many=True))
    def get(self, request: Request) -> Response:
        """List the tools that flows may call, by name."""
        return paginated(request, Page(list_tools(self.actor_of(request))), ToolShape)
