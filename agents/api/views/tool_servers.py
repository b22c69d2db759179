# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tool servers over HTTP: connected, read anew, their tools chosen and accepted."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries.projects import access_project
from accounts.rest import OrganizationAPIView, expected_revisions, page_params, paginated
from agents.api.tool_shapes import (
    ChangeToolServerBody,
    ChooseToolsBody,
    ToolServerBody,
    ToolServerShape,
    ToolServerSummaryShape,
    ToolsQuery,
)
from agents.operations.tool_servers import (
    change_tool_server,
    choose_tools,
    create_tool_server,
    delete_tool_server,
    refresh_tool_server,
)
from agents.operations.tool_sign_ins import begin_sign_in
from agents.queries.tool_servers import access_tool_server, list_tool_servers


def _answer(request: Request, row: Any, *, status: int = 200) -> Response:
    headers = {"ETag": f'"{row.revision}.0"'}
    if status == 201:
        headers["Location"] = f"/api/v1/tool-servers/{row.pk}/"
    return Response(ToolServerShape(row, context={"request": request}).data, status=status, headers=headers)


class ToolServerListView(OrganizationAPIView):
    """``/api/v1/tool-servers/``."""

    @extend_schema(
        operation_id="list_tool_servers", parameters=[ToolsQuery], responses=ToolServerSummaryShape(many=True)
    )
    def get(self, request: Request) -> Response:
        """List tool servers, newest first; ``?project_id=`` those that serve one project."""
        actor, named = self.actor_of(request), ToolsQuery.parse(request.query_params)["project_id"]
        project = access_project(actor, named) if named else None
        page = list_tool_servers(actor, project=project, **page_params(request)._asdict())
        return paginated(request, page, ToolServerSummaryShape)

    @extend_schema(operation_id="create_tool_server", request=ToolServerBody, responses={201: ToolServerShape})
    def post(self, request: Request) -> Response:
        """Read what a server offers and connect to it. A key is put into the vault first, and named here."""
        edit, project = ToolServerBody.edit(request.data)
        return _answer(request, create_tool_server(self.actor_of(request), edit, project=project), status=201)


class ToolServerView(OrganizationAPIView):
    """``/api/v1/tool-servers/<id>/``."""

    @extend_schema(operation_id="get_tool_server", responses=ToolServerShape)
    def get(self, request: Request, server: str) -> Response:
        """Return a tool server with everything it offers."""
        return _answer(request, access_tool_server(self.actor_of(request), server))

    @extend_schema(
        operation_id="change_tool_server", request=ChangeToolServerBody(partial=True), responses=ToolServerShape
    )
    def patch(self, request: Request, server: str) -> Response:
        """Change a tool server; ``If-Match`` keeps two people from losing each other's work."""
        edit, _ = ChangeToolServerBody.edit(request.data, partial=True)
        row = change_tool_server(self.actor_of(request), server, edit, expected=expected_revisions(request))
        return _answer(request, row)

    @extend_schema(operation_id="delete_tool_server", responses={204: None})
    def delete(self, request: Request, server: str) -> Response:
        """Forget a tool server; flows that name its tools fail there."""
        delete_tool_server(self.actor_of(request), server, expected=expected_revisions(request))
        return Response(status=204)


class RefreshToolServerView(OrganizationAPIView):
    """``/api/v1/tool-servers/<id>/refresh/``."""

    @extend_schema(operation_id="refresh_tool_server", request=None, responses=ToolServerShape)
    def post(self, request: Request, server: str) -> Response:
        """Read anew what it offers. A chosen tool that is otherwise now is not called until it is accepted."""
        return _answer(request, refresh_tool_server(self.actor_of(request), server))


class ChooseToolsView(OrganizationAPIView):
    """``/api/v1/tool-servers/<id>/choose/``."""

    @extend_schema(operation_id="choose_tools", request=ChooseToolsBody, responses=ToolServerShape)
    def post(self, request: Request, server: str) -> Response:
        """Say which of its tools may be called, and accept them as they are offered now."""
        names = ChooseToolsBody.parse(request.data)["tools"]
        expected = expected_revisions(request)
        return _answer(request, choose_tools(self.actor_of(request), server, names, expected=expected))


class SignInShape(serializers.Serializer[Any]):
    """Where a person signs in to a tool server."""

    url = serializers.CharField(help_text="To be opened in the browser in which that person is signed in here.")


class SignInToToolServerView(OrganizationAPIView):
    """``/api/v1/tool-servers/<id>/sign-in/``."""

    @extend_schema(operation_id="sign_in_to_tool_server", request=None, responses=SignInShape)
    def post(self, request: Request, server: str) -> Response:
        """Begin to sign in to a server whose ``auth.how`` is ``sign_in``; the token comes into the vault."""
        return Response({"url": begin_sign_in(self.actor_of(request), server)})
