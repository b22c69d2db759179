# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whether the process lives, and whether it can serve."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process lives."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database and Redis answer, else 503 naming which does not."""
    failing = [name for name, check in (("database", _ask_database), ("redis", _ask_redis)) if not _works(check)]
    return JsonResponse(
        {"status": "unavailable" if failing else "ok", "failing": failing}, status=503 if failing else 200
    )


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")


def _ask_redis() -> None:
    cache.get("readyz")


def _works(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        return False
    return True
