# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether the process lives, and whether it can serve."""

import logging
from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from accounts.rest.problems import problem_response
from codexos.kernel.errors import Unavailable

_log = logging.getLogger(__name__)


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process lives."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database and Redis answer, else a 503 problem naming which does not."""
    failing = [name for name, ask in (("database", _ask_database), ("redis", _ask_redis)) if not _works(name, ask)]
    if failing:
        return problem_response(Unavailable(f"No answer from: {', '.join(failing)}.", failing=failing), request)
    return JsonResponse({"status": "ok"})


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")


def _ask_redis() -> None:
    cache.get("readyz")


def _works(name: str, ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception as error:
        _log.warning("not ready: %s: %s", name, error)
        return False
    return True
