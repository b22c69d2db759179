# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``/api/v1/me/`` and ``/api/v1/organizations/``"""

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.api.bodies import OrganizationBody, OrganizationChangeBody, PreferencesBody
from accounts.api.shapes import BelongingShape, MeShape, OrganizationShape, OwnPersonShape
from accounts.middleware import work_in
from accounts.operations.organizations import change_organization, choose_organization, found_organization
from accounts.operations.preferences import change_preferences
from accounts.queries.access import insist_person
from accounts.queries.organizations import access_organization, list_reachable
from accounts.queries.pages import Page
from accounts.rest import OrganizationAPIView, check_if_match, etag_of, paginated


class Me(OrganizationAPIView):
    """Who asks."""

    @extend_schema(operation_id="get_me", responses=MeShape)
    def get(self, request: Request) -> Response:
        """Return who asks, where, and what they may do there."""
        actor = self.actor_of(request)
        known = {
            "person": request.user,
            "organization": access_organization(actor),
            "belongings": list_reachable(actor, person=_user(request)),
        }
        return Response(MeShape(actor, context=known).data)

    @extend_schema(operation_id="update_me", request=PreferencesBody, responses=OwnPersonShape)
    def patch(self, request: Request) -> Response:
        """Change one's own name and preferences, signed in."""
        person = _person(self.actor_of(request), request)
        return Response(OwnPersonShape(change_preferences(person, **PreferencesBody.parse(request.data))).data)


class OrganizationList(OrganizationAPIView):
    """The organizations one is a member of; a token knows its own only."""

    @extend_schema(responses=BelongingShape(many=True))
    def get(self, request: Request) -> Response:
        """List organizations."""
        return paginated(request, Page(list_reachable(self.actor_of(request), person=_user(request))), BelongingShape)

    @extend_schema(request=OrganizationBody, responses={201: OrganizationShape})
    def post(self, request: Request) -> Response:
        """Found another organization, signed in."""
        person = _person(self.actor_of(request), request)
        organization = found_organization(person, **OrganizationBody.parse(request.data))
        return Response(OrganizationShape(organization).data, status=201, headers={"ETag": etag_of(organization)})


class OrganizationDetail(OrganizationAPIView):
    """The organization one acts in."""

    @extend_schema(responses=OrganizationShape)
    def get(self, request: Request, organization: str) -> Response:
        """Return the organization."""
        row = access_organization(self.actor_of(request), organization)
        return Response(OrganizationShape(row).data, headers={"ETag": etag_of(row)})

    @extend_schema(request=OrganizationChangeBody(partial=True), responses=OrganizationShape)
    def patch(self, request: Request, organization: str) -> Response:
        """Change the organization: its names, what it allows."""
        body = OrganizationChangeBody.parse(request.data, partial=True)
        check = partial(check_if_match, request)
        row = change_organization(self.actor_of(request), organization, check=check, **body)
        return Response(OrganizationShape(row).data, headers={"ETag": etag_of(row)})


class OrganizationChoose(OrganizationAPIView):
    """Switching to another of one's organizations."""

    @extend_schema(request=None, responses=BelongingShape)
    def post(self, request: Request, organization: str) -> Response:
        """Work in this organization from now on, signed in."""
        belonging = choose_organization(_person(self.actor_of(request), request), organization)
        work_in(request._request, belonging.organization_id)
        return Response(BelongingShape(belonging).data)


def _person(actor: Actor, request: Request) -> Any:
    insist_person(actor)
    return _user(request)


def _user(request: Request) -> Any:
    return request.user
