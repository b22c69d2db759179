# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who asks: by bearer token, or by the session of a signed-in browser."""

from typing import Any, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as DjangoSessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.actor import Actor
from accounts.errors import TokenRevoked
from accounts.models import Person
from accounts.operations.tokens import actor_from_token
from codexos.kernel.errors import NotAllowed, NotSignedIn

FORGED = (
    "This write came without the guard against forged requests, or with the guard of an older page: you may have "
    "signed in or switched organization in another tab. Reload the page and try again; programs use an API token."
)


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer cos_pat_…``."""

    def authenticate(self, request: Request) -> tuple[Person, Actor] | None:
        """Return the token's person and actor; None without a bearer header. Raises TokenRevoked."""
        return _from_bearer(request.headers.get("Authorization", ""))

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

    def enforce_csrf(self, request: Request) -> None:
        """Refuse what a page of another site may have sent. Raises NotAllowed."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as refusal:
            raise NotAllowed(FORGED) from refusal


class IsAsking(BasePermission):
    """Somebody asks. What they may is decided below, where the thing is known."""

    def has_permission(self, request: Request, _view: APIView) -> bool:
        """Tell whether an Actor was found, without reading who the person is."""
        return request.auth is not None


def _from_bearer(header: str) -> tuple[Person, Actor] | None:
    scheme, _, value = header.partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        raise NotSignedIn("Use 'Authorization: Bearer <token>'; other schemes are not accepted.")
    found = actor_from_token(value.strip())
    if found is None:
        raise TokenRevoked("This API token is unknown, revoked or expired. Make a new one under Settings, Tokens.")
    return found
