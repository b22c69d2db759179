# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/invitations/``"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.bodies import AcceptBody, InvitationBody
from accounts.api.shapes import BelongingShape, InvitationShape
from accounts.middleware import work_in
from accounts.operations.invitations import accept_invitation, invite, resend_invitation, withdraw_invitation
from accounts.queries.access import insist_person
from accounts.queries.invitations import access_invitation, list_invitations
from accounts.queries.organizations import access_belonging
from accounts.rest import OrganizationAPIView, page_params, paginated


class InvitationList(OrganizationAPIView):
    """The invitations that wait for an answer."""

    @extend_schema(responses=InvitationShape(many=True))
    def get(self, request: Request) -> Response:
        """List invitations."""
        page = list_invitations(self.actor_of(request), **page_params(request)._asdict())
        return paginated(request, page, InvitationShape)

    @extend_schema(request=InvitationBody, responses={201: InvitationShape})
    def post(self, request: Request) -> Response:
        """Invite somebody by mail."""
        invitation = invite(self.actor_of(request), **InvitationBody.parse(request.data))
        return Response(InvitationShape(invitation).data, status=201)


class InvitationDetail(OrganizationAPIView):
    """One invitation."""

    @extend_schema(responses=InvitationShape)
    def get(self, request: Request, invitation: str) -> Response:
        """Return an invitation."""
        return Response(InvitationShape(access_invitation(self.actor_of(request), invitation)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, invitation: str) -> Response:
        """Withdraw an invitation."""
        withdraw_invitation(self.actor_of(request), invitation)
        return Response(status=204)


class InvitationResend(OrganizationAPIView):
    """Mailing an invitation again."""

    @extend_schema(request=None, responses=InvitationShape)
    def post(self, request: Request, invitation: str) -> Response:
        """Mail an invitation again; it lives for a week from now."""
        return Response(InvitationShape(resend_invitation(self.actor_of(request), invitation)).data)


class InvitationAccept(OrganizationAPIView):
    """Accepting an invitation, signed in."""

    @extend_schema(request=AcceptBody, responses=BelongingShape)
    def post(self, request: Request) -> Response:
        """Join the organization that an invitation's link leads to."""
        insist_person(self.actor_of(request))
        person: Any = request.user
        membership = accept_invitation(person, **AcceptBody.parse(request.data))
        belonging = access_belonging(person, membership.organization_id)
        work_in(request._request, belonging.organization_id)
        return Response(BelongingShape(belonging).data)
