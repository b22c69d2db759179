# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/teams/``"""

from functools import partial

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import TeamBody
from accounts.api.shapes import TeamShape
from accounts.operations.teams import change_team, create_team, delete_team
from accounts.queries.teams import access_team, list_teams
from accounts.rest import OrganizationAPIView, check_if_match, etag_of, page_params, paginated


class TeamList(OrganizationAPIView):
    """The teams one sees."""

    @extend_schema(responses=TeamShape(many=True))
    def get(self, request: Request) -> Response:
        """List teams."""
        return paginated(request, list_teams(self.actor_of(request), **page_params(request)._asdict()), TeamShape)

    @extend_schema(request=TeamBody, responses={201: TeamShape})
    def post(self, request: Request) -> Response:
        """Make a team."""
        team = create_team(self.actor_of(request), **TeamBody.parse(request.data))
        return Response(TeamShape(team).data, status=201, headers={"ETag": etag_of(team)})


class TeamDetail(OrganizationAPIView):
    """One team, by id or short name."""

    @extend_schema(responses=TeamShape)
    def get(self, request: Request, team: str) -> Response:
        """Return a team."""
        row = access_team(self.actor_of(request), team)
        return Response(TeamShape(row).data, headers={"ETag": etag_of(row)})

    @extend_schema(request=TeamBody(partial=True), responses=TeamShape)
    def patch(self, request: Request, team: str) -> Response:
        """Change a team."""
        body = TeamBody.parse(request.data, partial=True)
        row = change_team(self.actor_of(request), team, check=partial(check_if_match, request), **body)
        return Response(TeamShape(row).data, headers={"ETag": etag_of(row)})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, team: str) -> Response:
        """Delete a team that holds no project."""
        delete_team(self.actor_of(request), team)
        return Response(status=204)
