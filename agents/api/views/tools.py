# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools over HTTP: what flows may call here."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.pages import Page
from accounts.queries.projects import access_project
from accounts.rest import OrganizationAPIView, paginated
from agents.api.tool_shapes import ToolShape, ToolsQuery
from agents.operations.tools import list_tools


class ToolListView(OrganizationAPIView):
    """``/api/v1/tools/``."""

    @extend_schema(operation_id="list_tools", parameters=[ToolsQuery], responses=ToolShape(many=True))
    def get(self, request: Request) -> Response:
        """List the tools that flows may call: those of a project, or those everywhere in the organization."""
        actor, named = self.actor_of(request), ToolsQuery.parse(request.query_params)["project_id"]
        project = access_project(actor, named) if named else None
        return paginated(request, Page(list_tools(actor, project=project)), ToolShape)
