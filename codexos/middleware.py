# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What happens to every request before any view: an id, a guard at the door, errors with a name answered."""

import re
import threading
from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

from accounts.rest.problems import problem_of
from codexos.error_pages import failure
from codexos.kernel.context import client_address, request_id
from codexos.kernel.ids import new_id

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_BEARER = re.compile(r"bearer ", re.IGNORECASE).match
_NO_NUL = "NUL characters cannot stand in an address or a text. Remove them and send it again."

Next = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Takes a well-formed X-Request-ID from the client, else makes one."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        current = offered if _ACCEPTABLE.fullmatch(offered) else str(new_id())
        id_token = request_id.set(current)
        address_token = client_address.set(_address_of(request))
        try:
            response = self._get_response(request)
            response["X-Request-ID"] = current
            return response
        finally:
            request_id.reset(id_token)
            client_address.reset(address_token)


class PolicyMiddleware(CSPMiddleware):
    """Says what a page may load. An answer that asked for no nonce and no exception gets the one policy, made once."""

    def __init__(self, get_response: Next) -> None:
        super().__init__(get_response)
        self._plain = build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the policy."""
        if getattr(request, "_csp_nonce", None) is None and not any(name.startswith("_csp") for name in vars(response)):
            response.headers.setdefault(HEADER, self._plain)
        return super().process_response(request, response) if HEADER not in response.headers else response


class DoorMiddleware:
    """Refuses what no view should have to expect, and answers errors with a name that a view lets through."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if refusal := _refusal(request):
            return failure(request, BadRequest(refusal))
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a view's exception that is not our bug; None sends a bug on to the handler of 500."""
        if _is_nul(error):
            return failure(request, BadRequest(_NO_NUL))
        return None if problem_of(error).status == 500 else failure(request, error)


class SlashMiddleware(CommonMiddleware):
    """Adds a missing trailing slash for people; a program's write would lose its body on the way, so it is told."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        """Tell whether to redirect to the address with a slash."""
        return not request.path_info.startswith("/api/") and super().should_redirect_with_slash(request)


class LanguageMiddleware:
    """Speaks the language a browser or a program asks for; no address of ours has one in it, as Django's looks for."""

    def __init__(self, get_response: Next) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language()
        response = self._get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response


class _Built(threading.local):
    """The innermost of the chain of middlewares that this thread is making, which Django makes from within."""

    innermost: "InnerMiddleware"


_built = _Built()


class InnerMiddleware:
    """The last before the view: where programs join those who came through all that is for browsers."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        _built.innermost = self

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class ProgramMiddleware:
    """Lets programs past all that is for browsers: sessions, forgery, who is signed in, what to tell them next.

    A program is who brings a bearer token to the API. There a token that opens nothing is an error, and nobody looks
    whether a session is there, too (accounts/rest/asking.py).
    """

    def __init__(self, get_response: Next) -> None:
        self._browsers = get_response
        self._programs = _built.innermost.get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_program = request.path_info.startswith("/api/v1/") and _BEARER(request.META.get("HTTP_AUTHORIZATION", ""))
        return self._programs(request) if is_program else self._browsers(request)


def _refusal(request: HttpRequest) -> str | None:
    if "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
        return _NO_NUL
    length = request.META.get("CONTENT_LENGTH")
    if length and not (length.isascii() and length.isdigit()):
        return "Content-Length must be one whole number."
    return None


def _is_nul(error: Exception) -> bool:
    # Forms refuse NUL by themselves; this catches a view that reads a raw field and hands it to the database.
    return isinstance(error, ValueError) and "NUL (0x00)" in str(error)


def _address_of(request: HttpRequest) -> str:
    """Return who called: behind our own proxy, the last address it wrote down, since clients write the ones before."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    address: str = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR") or ""
    return address[:45]
