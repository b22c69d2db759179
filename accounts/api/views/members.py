# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/members/``"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import MemberBody, MembersQuery
from accounts.api.shapes import MemberShape
from accounts.operations.members import change_member, leave_organization, remove_member
from accounts.queries.members import OWN, access_member, list_members
from accounts.rest import OrganizationAPIView, page_params, paginated


class MemberList(OrganizationAPIView):
    """The members of the organization."""

    @extend_schema(parameters=[MembersQuery], responses=MemberShape(many=True))
    def get(self, request: Request) -> Response:
        """List members."""
        wanted = MembersQuery.parse(request.query_params)
        page = list_members(self.actor_of(request), **wanted, **page_params(request)._asdict())
        return paginated(request, page, MemberShape)


class MemberDetail(OrganizationAPIView):
    """One member, by id, or oneself by ``me``."""

    @extend_schema(responses=MemberShape)
    def get(self, request: Request, member: str) -> Response:
        """Return a member."""
        return Response(MemberShape(access_member(self.actor_of(request), member)).data)

    @extend_schema(request=MemberBody, responses=MemberShape)
    def patch(self, request: Request, member: str) -> Response:
        """Change a member's role or teams."""
        row = change_member(self.actor_of(request), member, **MemberBody.parse(request.data))
        return Response(MemberShape(row).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, member: str) -> Response:
        """Remove a member; as ``me``, leave."""
        if member == OWN:
            leave_organization(self.actor_of(request))
        else:
            remove_member(self.actor_of(request), member)
        return Response(status=204)
