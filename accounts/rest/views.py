# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The base of every API view in the house."""

from collections.abc import Iterable
from typing import Any, cast

from django.http import HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actor import Actor
from accounts.models import Person
from accounts.rest.asking import IsAsking, SessionAuthentication, TokenAuthentication
from accounts.rest.etags import is_unchanged
from accounts.rest.parsers import StrictJSONParser
from accounts.rest.writes import answer_once, idempotency_key
from codexos.kernel.errors import NotSignedIn

_JSON = "application/json"
_CONTENT_WITH_JSON = (_JSON, "*/*")


class JsonNegotiation(DefaultContentNegotiation):
    """Who asks for JSON or for anything, as nearly all do, gets JSON; what others would like best is worked out."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return who writes the answer, and its media type. Raises NotAcceptable."""
        plain, among = request._request, list(renderers)
        is_content = plain.META.get("HTTP_ACCEPT", "*/*") in _CONTENT_WITH_JSON and not plain.META.get("QUERY_STRING")
        if is_content and format_suffix is None and among[0].media_type == _JSON:
            return among[0], _JSON
        return cast(tuple[BaseRenderer, str], super().select_renderer(request, among, format_suffix))


class OrganizationAPIView(APIView):
    """A view that translates one request of one Actor; everything else happens in operations and queries.

    ``idempotency_exempt``: its writes are streamed and idempotent by themselves, so that no key is looked at.
    """

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAsking]
    parser_classes = [StrictJSONParser]
    content_negotiation_class: type[BaseContentNegotiation] = JsonNegotiation
    format_kwarg = None
    idempotency_exempt = False
    rate_headers: dict[str, str]

    @staticmethod
    def actor_of(request: Request | HttpRequest) -> Actor:
        """Return who asks. Raises NotSignedIn."""
        actor = getattr(request, "auth", None)
        if actor is None:
            raise NotSignedIn("Sign in, or send an API token.")
        return cast(Actor, actor)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer one request: who asks, how often, then the handler, once per Idempotency-Key."""
        self.args, self.kwargs = args, kwargs
        self.rate_headers = {}
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        response: HttpResponseBase
        try:
            self.initial(self.request, *args, **kwargs)
            response = self._answer()
        except Exception as error:
            response = self.handle_exception(error)
        return self.finalize_response(self.request, response, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find who asks and count the call before anything is refused, so that guessing tokens is counted too."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        request.version, request.versioning_scheme = None, None
        try:
            self.perform_authentication(request)
        except Exception:
            # DRF forgets who asked only for its own exceptions; asking it again would raise again.
            request.user, request.auth = cast(Person, None), None
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        self.check_permissions(request)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Add what every answer carries; an unchanged read shrinks to 304."""
        # DRF's types know only its own Response; its code takes any answer, and so do we.
        answer: HttpResponseBase = super().finalize_response(request, cast(Response, response), *args, **kwargs)
        if is_unchanged(request, answer):
            answer = HttpResponseNotModified(headers={"ETag": answer["ETag"]})
        for name, value in self.rate_headers.items():
            answer.headers[name] = value
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        return answer

    def _answer(self) -> HttpResponseBase:
        key = None if self.idempotency_exempt else idempotency_key(self.request)
        if key is None:
            return self._perform()
        return answer_once(self.request, self.actor_of(self.request), key=key, perform=self._perform_named)

    def _perform(self) -> HttpResponseBase:
        method = str(self.request.method).lower()
        known = method in self.http_method_names
        handler = getattr(self, method, self.http_method_not_allowed) if known else self.http_method_not_allowed
        return cast(HttpResponseBase, handler(self.request, *self.args, **self.kwargs))

    def _perform_named(self) -> HttpResponseBase:
        """Perform with errors already translated: a refusal is an answer that is kept, too."""
        try:
            return self._perform()
        except Exception as error:
            return self.handle_exception(error)
