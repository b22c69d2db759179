# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The base of every API view in the house: who asks, by token or by session."""

from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlencode

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as DjangoSessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.actor import Actor
from accounts.errors import TokenRevoked
from accounts.models import Person
from accounts.operations.tokens import actor_from_token
from accounts.queries.pages import PAGE_LIMIT, Page, check_limit
from codexos.kernel.errors import InvalidInput, NotSignedIn

T = TypeVar("T")


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer cos_pat_…``."""

    def authenticate(self, request: Request) -> tuple[Person, Actor] | None:
        """Return the token's person and actor; None without a bearer header. Raises TokenRevoked."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise NotSignedIn("Use 'Authorization: Bearer <token>'; other schemes are not accepted.")
        found = actor_from_token(value.strip())
        if found is None:
            raise TokenRevoked("This API token is unknown, revoked or expired. Make a new one under Settings, Tokens.")
        return found

    def authenticate_header(self, _request: Request) -> str:
        """Say how to sign in; DRF answers 401 rather than 403 because of it."""
        return "Bearer"


class SessionAuthentication(DjangoSessionAuthentication):
    """A signed-in browser, its writes guarded against forgery."""

    def authenticate(self, request: Request) -> tuple[Person, Actor] | None:
        """Return the session's person and actor; None where nobody is signed in."""
        found = super().authenticate(request)
        if found is None:
            return None
        actor = cast(Any, request._request).actor
        return (found[0], actor) if actor else None


class OrganizationAPIView(APIView):
    """A view that translates one request of one Actor; everything else happens in operations and queries."""

    @staticmethod
    def actor_of(request: Request | HttpRequest) -> Actor:
        """Return who asks. Raises NotSignedIn."""
        actor = getattr(request, "auth", None)
        if actor is None:
            raise NotSignedIn("Sign in, or send an API token.")
        return cast(Actor, actor)


class PageParams(NamedTuple):
    """Where in a list a request wants to read, and how much."""

    cursor: str | None
    limit: int


def page_params(request: Request) -> PageParams:
    """Return ``?cursor=`` and ``?limit=`` of a list. Raises InvalidInput."""
    text = request.query_params.get("limit", str(PAGE_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        message = f"limit is {text!r}; write a whole number."
        raise InvalidInput(message, errors=[{"place": "limit", "message": message}])
    return PageParams(request.query_params.get("cursor") or None, check_limit(int(text)))


def paginated(request: Request, page: Page[T], serializer: type[BaseSerializer[T]]) -> Response:
    """Answer a page as ``{"results", "next", "previous"}``; the latter two are absolute addresses or null."""
    rows = serializer(page.rows, many=True, context={"request": request}).data
    return Response(
        {
            "results": rows,
            "next": _turned(request, page.next_cursor),
            "previous": _turned(request, page.previous_cursor),
        }
    )


def _turned(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, values in request.query_params.lists() for value in values if name != "cursor"]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*kept, ('cursor', cursor)])}")
