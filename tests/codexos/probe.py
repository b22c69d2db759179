# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A few views that fail in every way, beside the product's own routes."""

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from accounts.queries.pages import page_of
from accounts.rest import OrganizationAPIView, answers_problems, check_if_match, etag_of, page_params, paginated
from accounts.tenancy import tenant
from codexos.kernel import errors
from codexos.urls import *  # noqa: F403 - the product's routes and handlers
from codexos.urls import urlpatterns as product

FAILURES: dict[str, Exception] = {
    "invalid": errors.InvalidInput("Name is empty.", errors=[{"place": "name", "message": "empty"}]),
    "nobody": errors.NotSignedIn("Who are you?"),
    "not-allowed": errors.NotAllowed("Not yours."),
    "not-found": errors.NotFound("No such thing."),
    "conflict": errors.Conflict("Not now."),
    "limit": errors.LimitReached("Too much.", retry_after_seconds=7),
    "unavailable": errors.Unavailable("Away."),
    "broken": errors.Broken("the secret state of things"),
    "bug": ZeroDivisionError("the secret state of things"),
    "http404": Http404("internals"),
    "denied": PermissionDenied("internals"),
    "suspicious": SuspiciousOperation("internals"),
    "big": RequestDataTooBig("internals"),
    "database": OperationalError("connection to 10.0.0.1 refused"),
}
calls: list[Any] = []


class Body(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=20)
    items = serializers.ListField(child=serializers.DictField(), required=False)


class TeamShape(serializers.Serializer[Team]):
    slug = serializers.CharField()


class EchoView(OrganizationAPIView):
    def get(self, request: Request, failure: str = "") -> Response:
        if failure:
            raise FAILURES[failure]
        return Response({"person": str(self.actor_of(request).person_id)})

    def post(self, request: Request) -> Response:
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        calls.append(body.validated_data)
        if body.validated_data["name"] == "crash":
            raise ZeroDivisionError
        return Response({"name": body.validated_data["name"], "nth": len(calls)}, status=201)


class TeamsView(OrganizationAPIView):
    def get(self, request: Request) -> Response:
        actor = self.actor_of(request)
        cursor, limit = page_params(request)
        with tenant(actor.organization_id):
            page = page_of(Team.objects.for_organization(actor.organization_id), cursor=cursor, limit=limit)
        return paginated(request, page, TeamShape)


class TeamView(OrganizationAPIView):
    def get(self, request: Request) -> Response:
        row = self._row(request)
        return Response({"name": row.name}, headers={"ETag": etag_of(row)})

    def patch(self, request: Request) -> Response:
        row = self._row(request)
        check_if_match(request, row)
        row.name = request.data["name"]
        with tenant(row.organization_id):
            row.save()
        return Response({"name": row.name}, headers={"ETag": etag_of(row)})

    def _row(self, request: Request) -> Team:
        actor = self.actor_of(request)
        with tenant(actor.organization_id):
            return Team.objects.for_organization(actor.organization_id).order_by("pk")[0]


def page(_request: HttpRequest, failure: str) -> HttpResponse:
    raise FAILURES[failure]


@answers_problems
async def live(_request: HttpRequest, failure: str) -> HttpResponse:
    raise FAILURES[failure]


urlpatterns = [
    path("api/v1/probe/", EchoView.as_view()),
    path("api/v1/probe/fail/<str:failure>/", EchoView.as_view()),
    path("api/v1/probe/teams/", TeamsView.as_view()),
    path("api/v1/probe/team/", TeamView.as_view()),
    path("probe/<str:failure>/", page),
    path("probe-live/<str:failure>/", live),
    *product,
]
