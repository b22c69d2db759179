# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Failures outside of API views: a page for people, problem+json for programs.

None of these may fail in turn: pages are drawn without a request, so without session or database, and should
drawing break too, one plain sentence stands in.
"""

import logging
import math
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.rest.asking import FORGED
from accounts.rest.problems import Problem, answer_of, problem_of, wants_problem
from codexos.kernel.context import request_id
from codexos.kernel.errors import LimitReached, NotAllowed

_log = logging.getLogger(__name__)
_PAGES = frozenset({400, 403, 404, 413, 429, 500, 503})
# The longest of allauth's own spans for signing in and up.
_LONGEST_WAIT = 300


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what cannot be a request: malformed, too large."""
    return failure(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not the person's to do."""
    return failure(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere."""
    if request.path.startswith("/api/") and not request.path.endswith("/"):
        hint = f"There is nothing at this address. Paths of the API end in '/': try {request.path}/."
        return _answer(request, Problem(404, "not_found", hint))
    return failure(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a crash, wherever it happened; called while the exception is being handled."""
    return failure(request, sys.exc_info()[1])


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose forgery guard did not match."""
    _log.info("refused a form: %s", reason)
    return _answer(request, problem_of(NotAllowed(FORGED)), page="expired", **_way_on(request))


def too_many(request: HttpRequest) -> HttpResponse:
    """Answer tries at signing in and the like that came too fast; allauth calls it."""
    message = "There were too many tries in a short time. Wait a few minutes, then try again."
    return failure(request, LimitReached(message, retry_after_seconds=_LONGEST_WAIT))


def failure(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Answer an exception as whoever asked can read it."""
    return _answer(request, problem_of(error))


def _way_on(request: HttpRequest) -> dict[str, Any]:
    """Tell where the form stood: one who is still signed in loads it again, others sign in first."""
    stood = _path_before(request)
    if request.user.is_authenticated or stood.startswith("/account/"):
        return {"reload_url": stood}
    return {"sign_in_url": f"{reverse('account_login')}?{urlencode({'next': stood})}"}


def _path_before(request: HttpRequest) -> str:
    referrer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referrer, {request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(referrer)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    # A path that begins with two strokes would be another host.
    return path if url_has_allowed_host_and_scheme(path, None) and path.startswith("/") else "/"


def _answer(request: HttpRequest, problem: Problem, *, page: str = "", **context: Any) -> HttpResponse:
    if wants_problem(request):
        return answer_of(problem)
    headers = {"Cache-Control": "no-store", **problem.headers}
    return HttpResponse(_page(problem, page=page, context=context), status=problem.status, headers=headers)


def _page(problem: Problem, *, page: str, context: Mapping[str, Any]) -> str:
    nearest = 500 if problem.status > 500 else 400
    name = page or (problem.status if problem.status in _PAGES else nearest)
    wait = problem.extras.get("retry_after_seconds")
    known = {"problem": problem, "request_id": request_id.get(), "minutes": wait and math.ceil(wait / 60)}
    try:
        return render_to_string(f"errors/{name}.html", {**known, **context})
    except Exception:
        _log.exception("the page of error %s could not be drawn", name)
        words = f"{problem.status} {HTTPStatus(problem.status).phrase}"
        return f"<!doctype html><title>{words}</title><h1>{words}</h1><p>Request {request_id.get()}</p>"
