# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Puts on each request who asks: ``actor``, their ``organization`` and the ``organizations`` they may switch to."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from accounts.actor import Actor
from accounts.operations.organizations import ensure_personal_organization
from accounts.queries.break_glass import list_entered
from accounts.queries.grants import load_actor
from accounts.queries.lookups import Belonging, list_belongings

SESSION_KEY = "organization_id"


def work_in(request: HttpRequest, organization_id: UUID) -> None:
    """Let a session go on in another organization.

    Forms in other tabs were made for the one it leaves: with a new guard against forgery they are refused, instead of
    doing to this organization what was meant for that one.
    """
    request.session[SESSION_KEY] = str(organization_id)
    rotate_token(request)


class ActorMiddleware:
    """Resolves the session's person and organization, lazily: an API call with a token costs nothing here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organizations = SimpleLazyObject(lambda: _belongings(request))  # type: ignore[attr-defined]
        request.organization = SimpleLazyObject(lambda: _current(request))  # type: ignore[attr-defined]
        request.actor = SimpleLazyObject(lambda: _actor(request))  # type: ignore[attr-defined]
        _speak_to(request)
        try:
            return self._get_response(request)
        finally:
            timezone.deactivate()


def _speak_to(request: HttpRequest) -> None:
    # Only a browser with a session costs the look at its person.
    person = request.user if settings.SESSION_COOKIE_NAME in request.COOKIES else None
    if person is None or not person.is_authenticated:
        return
    timezone.activate(person.time_zone)
    if person.language:
        translation.activate(person.language)
        request.LANGUAGE_CODE = translation.get_language()


def _belongings(request: HttpRequest) -> list[Belonging]:
    if not request.user.is_authenticated:
        return []
    found = list_belongings(request.user.id)
    if not found:
        ensure_personal_organization(request.user)
        found = list_belongings(request.user.id)
    return [*found, *list_entered(request.user)]


def _current(request: HttpRequest) -> Belonging | None:
    belongings: list[Belonging] = request.organizations  # type: ignore[attr-defined]
    if not belongings:
        return None
    wanted = request.session.get(SESSION_KEY) or str(request.user.last_organization_id)  # type: ignore[union-attr]
    return next((b for b in belongings if str(b.organization_id) == wanted), belongings[0])


def _actor(request: HttpRequest) -> Actor | None:
    current = request.organization  # type: ignore[attr-defined]
    person: Any = request.user  # somebody, for nobody has an organization
    return load_actor(person, organization_id=UUID(str(current.organization_id))) if current else None
