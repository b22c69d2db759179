# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Failures outside of API views: a page for people, problem+json for programs.

None of these may fail in turn: pages are drawn without a request, so without session or database, and should
drawing break too, one plain sentence stands in.
"""

import logging
import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from accounts.rest.problems import Problem, answer_of, problem_of, wants_problem
from codexos.kernel.context import request_id
from codexos.kernel.errors import NotAllowed

_log = logging.getLogger(__name__)
_PAGES = frozenset({400, 403, 404, 413, 429, 500, 503})


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
    refusal = NotAllowed(
        f"The guard against forged requests did not match: {reason} You may have signed in or switched organization in "
        "another tab. Reload the page and try again."
    )
    return failure(request, refusal)


def failure(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Answer an exception as whoever asked can read it."""
    return _answer(request, problem_of(error))


def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    if wants_problem(request):
        return answer_of(problem)
    return HttpResponse(_page(problem), status=problem.status, headers={"Cache-Control": "no-store", **problem.headers})


def _page(problem: Problem) -> str:
    nearest = 500 if problem.status > 500 else 400
    name = problem.status if problem.status in _PAGES else nearest
    try:
        return render_to_string(f"errors/{name}.html", {"problem": problem, "request_id": request_id.get()})
    except Exception:
        _log.exception("the page of error %s could not be drawn", name)
        words = f"{problem.status} {HTTPStatus(problem.status).phrase}"
        return f"<!doctype html><title>{words}</title><h1>{words}</h1><p>Request {request_id.get()}</p>"
