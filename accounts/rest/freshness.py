# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A fresh sign-in: what a browser that somebody left open must not show to whoever comes by."""

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from rest_framework.request import Request

from accounts.actor import Actor, ActorKind
from accounts.errors import SignInNotFresh
from codexos.kernel import clock


def insist_fresh_sign_in(request: Request | HttpRequest, actor: Actor) -> None:
    """Raise SignInNotFresh for a session whose person showed who they are too long ago; a token is fresh as it is."""
    if actor.kind is ActorKind.TOKEN:
        return
    signed_in = [record["at"] for record in get_authentication_records(_plain(request), request.user)]
    fresh_seconds = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    if not signed_in or clock.now().timestamp() - max(signed_in) >= fresh_seconds:
        raise SignInNotFresh(confirm_at=reverse("account_reauthenticate"), fresh_seconds=fresh_seconds)


def confirm_first(*, then: str) -> HttpResponse:
    """Send a browser to where its person shows who they are; from there it goes on to ``then``."""
    return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': then})}")


def _plain(request: Request | HttpRequest) -> HttpRequest:
    return request._request if isinstance(request, Request) else request
