# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Problems: what an error looks like on the wire (RFC 9457), from one table of kinds.

It stands here and not in the roof, because plain views of every app answer with it too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf
from rest_framework.utils.encoders import JSONEncoder

from accounts.errors import PreconditionFailed
from accounts.rest.places import listed_places
from codexos.kernel import errors as kinds
from codexos.kernel.context import request_id

CONTENT_TYPE = "application/problem+json"
SHORT_DOORS = ("/api/", "/agent/", "/rag/", "/vault/put", "/hooks/", "/mcp", "/.well-known/")
SIGN_IN_HINT = 'Bearer realm="CodexOS"'
_WAIT_SECONDS = 5

# The first row that fits a class or one of its ancestors counts.
STATUSES: Mapping[type[kinds.CodexosError], int] = {
    PreconditionFailed: 412,
    kinds.InvalidInput: 422,
    kinds.NotSignedIn: 401,
    kinds.NotAllowed: 403,
    kinds.NotFound: 404,
    kinds.Conflict: 409,
    kinds.LimitReached: 429,
    kinds.Unavailable: 503,
    kinds.Broken: 500,
}

_MOST_JSON = f"JSON may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes; send less, or send it as a file."

_FRAMEWORK: Mapping[type[Exception], tuple[int, str, str]] = {
    drf.NotAuthenticated: (401, "not_signed_in", "Sign in, or send an API token."),
    drf.AuthenticationFailed: (401, "not_signed_in", "Sign in, or send an API token."),
    drf.ParseError: (400, "malformed", ""),
    drf.PermissionDenied: (403, "not_allowed", ""),
    drf.NotFound: (404, "not_found", "There is nothing at this address, or nothing you may see."),
    drf.MethodNotAllowed: (405, "method_not_allowed", ""),
    drf.NotAcceptable: (406, "not_acceptable", "This address answers in application/json only."),
    drf.UnsupportedMediaType: (415, "unsupported_media_type", ""),
    drf.Throttled: (429, "limit_reached", "Too many requests. Wait, then try again."),
    Http404: (404, "not_found", "There is nothing at this address, or nothing you may see."),
    PermissionDenied: (403, "not_allowed", "This is not yours to do."),
    RequestDataTooBig: (413, "too_large", f"The body is larger than this address takes. {_MOST_JSON}"),
    SuspiciousOperation: (400, "malformed", "The request is malformed."),
    BadRequest: (400, "malformed", "The request is malformed."),
    MultiPartParserError: (400, "malformed", "The form's body is malformed."),
    OperationalError: (503, "unavailable", "The database does not answer, or has no room. Try again soon."),
    InterfaceError: (503, "unavailable", "The database does not answer. Try again soon."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, ready for the wire."""

    status: int
    code: str
    detail: str
    extras: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The code in words: the same for every problem of one type."""
        return self.code.replace("_", " ").capitalize()

    def as_json(self) -> dict[str, Any]:
        """Return the document; extras never replace a member of the standard."""
        return {
            **self.extras,
            "type": f"{settings.CODEXOS_URL}/api/docs/errors/#{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id.get(),
        }


def problem_of(error: BaseException | None) -> Problem:
    """Return what an exception is to the outside; whatever has no row is a Broken, which tells only an id."""
    if isinstance(error, kinds.CodexosError) and not isinstance(error, kinds.Broken):
        return _of_house(error)
    if isinstance(error, drf.ValidationError):
        return _of_fields(error)
    for kind, (status, code, words) in _FRAMEWORK.items():
        if isinstance(error, kind):
            return _of_framework(error, status=status, code=code, words=words)
    return Problem(500, "broken", f"Something broke on our side. Tell us this id: {request_id.get()}.")


def _of_house(error: kinds.CodexosError) -> Problem:
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    wait = error.details.get("retry_after_seconds")
    return Problem(status, error.code, error.message, extras=error.details, headers=_headers(status, wait=wait))


def _of_fields(error: drf.ValidationError) -> Problem:
    places = listed_places(error.detail)
    first = places[0] if places else {"place": "", "message": "Something in it does not hold together."}
    more = f" And {len(places) - 1} more." if len(places) > 1 else ""
    named = f"{first['place']}: {first['message']}" if first["place"] else first["message"]
    return Problem(422, "invalid_input", named + more, extras={"errors": places})


def _of_framework(error: BaseException, *, status: int, code: str, words: str) -> Problem:
    detail = words or str(getattr(error, "detail", error))
    wait = getattr(error, "wait", None)
    extras = {} if wait is None else {"retry_after_seconds": wait}
    return Problem(status, code, detail, extras=extras, headers=_headers(status, wait=wait))


def _headers(status: int, *, wait: float | None) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": SIGN_IN_HINT}
    if wait is None and status == 503:
        wait = _WAIT_SECONDS
    return {"Retry-After": str(max(1, -int(-wait // 1)))} if wait is not None else {}


def wants_problem(request: HttpRequest) -> bool:
    """Tell whether a failure is to be answered by problem+json rather than by a page."""
    if request.path.startswith("/api/docs/"):
        return False
    accept = request.headers.get("Accept", "")
    return request.path.startswith(SHORT_DOORS) or ("json" in accept and "text/html" not in accept)


def problem_response(error: BaseException | None, _request: HttpRequest | None = None) -> HttpResponse:
    """Return the problem+json answer to an exception. Needs no database and no view."""
    return answer_of(problem_of(error))


def answer_of(problem: Problem) -> HttpResponse:
    """Return a problem as an answer."""
    text = json.dumps(problem.as_json(), ensure_ascii=False, cls=JSONEncoder)
    # What a message quotes may hold half a surrogate pair, which UTF-8 cannot carry.
    body = text.encode("utf-8", "backslashreplace")
    return HttpResponse(
        body,
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )
