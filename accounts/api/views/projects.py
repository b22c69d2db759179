# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/projects/``"""

from functools import partial

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import ProjectBody, ProjectsQuery
from accounts.api.shapes import ProjectShape
from accounts.operations.projects import change_project, create_project, delete_project
from accounts.queries.projects import access_project, list_projects
from accounts.rest import OrganizationAPIView, check_if_match, etag_of, page_params, paginated


class ProjectList(OrganizationAPIView):
    """The projects one sees."""

    @extend_schema(parameters=[ProjectsQuery], responses=ProjectShape(many=True))
    def get(self, request: Request) -> Response:
        """List projects."""
        wanted = ProjectsQuery.parse(request.query_params)
        page = list_projects(self.actor_of(request), **wanted, **page_params(request)._asdict())
        return paginated(request, page, ProjectShape)

    @extend_schema(request=ProjectBody, responses={201: ProjectShape})
    def post(self, request: Request) -> Response:
        """Make a project."""
        project = create_project(self.actor_of(request), **ProjectBody.parse(request.data))
        return Response(ProjectShape(project).data, status=201, headers={"ETag": etag_of(project)})


class ProjectDetail(OrganizationAPIView):
    """One project, by id or short name."""

    @extend_schema(responses=ProjectShape)
    def get(self, request: Request, project: str) -> Response:
        """Return a project."""
        row = access_project(self.actor_of(request), project)
        return Response(ProjectShape(row).data, headers={"ETag": etag_of(row)})

    @extend_schema(request=ProjectBody(partial=True), responses=ProjectShape)
    def patch(self, request: Request, project: str) -> Response:
        """Change a project, or move it to another team."""
        body = ProjectBody.parse(request.data, partial=True)
        row = change_project(self.actor_of(request), project, check=partial(check_if_match, request), **body)
        return Response(ProjectShape(row).data, headers={"ETag": etag_of(row)})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, project: str) -> Response:
        """Delete a project in which nothing stands."""
        delete_project(self.actor_of(request), project)
        return Response(status=204)
