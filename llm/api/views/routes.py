# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/routes/`` and ``/api/v1/model-rules/``"""

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import OrganizationAPIView, check_if_match, etag_of, page_params, paginated
from llm.api.bodies import ChangeRouteBody, DeleteRouteQuery, RouteBody, RulesBody
from llm.api.shapes import RouteShape, RulesShape
from llm.operations.routes import change_route, change_rules, create_route, delete_route
from llm.queries.routes import access_route, access_rules, list_routes


def _answer(row: Any, *, status: int = 200) -> Response:
    headers = {"ETag": etag_of(row)}
    if status == 201:
        headers["Location"] = f"/api/v1/routes/{row.pk}/"
    return Response(RouteShape(row).data, status=status, headers=headers)


class RouteList(OrganizationAPIView):
    """The routes one sees."""

    @extend_schema(operation_id="routes_list", responses=RouteShape(many=True))
    def get(self, request: Request) -> Response:
        """List the organization's routes and those of one's projects, newest first."""
        return paginated(request, list_routes(self.actor_of(request), **page_params(request)._asdict()), RouteShape)

    @extend_schema(request=RouteBody, responses={201: RouteShape})
    def post(self, request: Request) -> Response:
        """Make a route: an admin for the organization, who manages projects for one of theirs."""
        edit, project = RouteBody.parts(request.data)
        return _answer(create_route(self.actor_of(request), edit, project=project), status=201)


class RouteDetail(OrganizationAPIView):
    """``/api/v1/routes/<id>/``."""

    @extend_schema(operation_id="routes_retrieve", responses=RouteShape)
    def get(self, request: Request, route: str) -> Response:
        """Return a route."""
        return _answer(access_route(self.actor_of(request), route))

    @extend_schema(request=ChangeRouteBody(partial=True), responses=RouteShape)
    def patch(self, request: Request, route: str) -> Response:
        """Change a route; its deployments are sent whole, in their order."""
        edit = ChangeRouteBody.edit(request.data, partial=True)
        return _answer(change_route(self.actor_of(request), route, edit, check=partial(check_if_match, request)))

    @extend_schema(parameters=[DeleteRouteQuery], responses={204: None})
    def delete(self, request: Request, route: str) -> Response:
        """Forget a route. Where flows name it, that has to be known: 409 tells which."""
        said = DeleteRouteQuery.parse(request.query_params)
        check = partial(check_if_match, request)
        delete_route(self.actor_of(request), route, is_forced=said["even_if_used"], check=check)
        return Response(status=204)


class Rules(OrganizationAPIView):
    """``/api/v1/model-rules/``."""

    @extend_schema(operation_id="model_rules_retrieve", responses=RulesShape)
    def get(self, request: Request) -> Response:
        """Return what holds for every model the organization asks."""
        row = access_rules(self.actor_of(request))
        return Response(RulesShape(row).data, headers={"ETag": etag_of(row)})

    @extend_schema(request=RulesBody, responses=RulesShape)
    def patch(self, request: Request) -> Response:
        """Change how much a minute the organization may ask for, and whether local models alone answer it."""
        edit = RulesBody.edit(request.data)
        row = change_rules(self.actor_of(request), edit, check=partial(check_if_match, request))
        return Response(RulesShape(row).data, headers={"ETag": etag_of(row)})
