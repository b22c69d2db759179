# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools over HTTP: what flows may call here."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.pages import Page
from accounts.queries.projects import access_project
from accounts.rest import OrganizationAPIView, Query, paginated
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
    kind = serializers.CharField(help_text="built_in, openapi, mcp_http, mcp_stdio, file, flow: where it comes from.")
    server_id = serializers.UUIDField(allow_null=True, help_text="The tool server it is one of.")
    state = serializers.ChoiceField(
        choices=["ready", "off", "changed", "broken"],
        help_text="Only what is ready is called; changed waits for a person to accept what its server says of it now.",
    )
    reason = serializers.CharField(help_text="Why it is not ready.")
    gives_untrusted = serializers.BooleanField(
        source="spec.gives_untrusted", help_text="Whether what it gives back is text of strangers."
    )
    is_available = serializers.BooleanField()
    note = serializers.CharField(help_text="What a setting of this installation does to it.")


class ToolsQuery(Query):
    """Which tools."""

    project_id = serializers.CharField(
        max_length=63, required=False, default=None, help_text="Those of a project: its id or short name."
    )


class ToolListView(OrganizationAPIView):
    """``/api/v1/tools/``."""

    @extend_schema(operation_id="list_tools", parameters=[ToolsQuery], responses=ToolShape(many=True))
    def get(self, request: Request) -> Response:
        """List the tools that flows may call: those of a project, or those everywhere in the organization."""
        actor, named = self.actor_of(request), ToolsQuery.parse(request.query_params)["project_id"]
        project = access_project(actor, named) if named else None
        return paginated(request, Page(list_tools(actor, project=project)), ToolShape)
