# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lists on the wire: ``{"results", "next", "previous"}`` with opaque cursors."""

import threading
from typing import Any, NamedTuple
from urllib.parse import urlencode

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.queries.pages import PAGE_LIMIT, Page, check_limit
from codexos.kernel.errors import InvalidInput


class _Writers(threading.local):
    """One serializer of a kind a thread, kept: DRF works out its fields anew for each, which is dearer than a query."""

    def __init__(self) -> None:
        self.of: dict[type[BaseSerializer[Any]], BaseSerializer[Any]] = {}


_writers = _Writers()


class PageParams(NamedTuple):
    """Where in a list a request wants to read, and how much."""

    cursor: str | None
    limit: int


def page_params(request: Request) -> PageParams:
    """Return ``?cursor=`` and ``?limit=`` of a list. Raises InvalidInput."""
    text = request.query_params.get("limit", str(PAGE_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        message = f"limit is {text!r}; write a whole number."
        raise InvalidInput(message, errors=[{"place": "limit", "message": message}])
    return PageParams(request.query_params.get("cursor") or None, check_limit(int(text)))


def paginated(request: Request, page: Page[Any], serializer: type[BaseSerializer[Any]]) -> Response:
    """Answer a page; ``next`` and ``previous`` are absolute addresses or null."""
    return Response(
        {
            "results": _written(page.rows, serializer, request=request),
            "next": _turned(request, page.next_cursor),
            "previous": _turned(request, page.previous_cursor),
        }
    )


def _written(rows: list[Any], serializer: type[BaseSerializer[Any]], *, request: Request) -> list[Any]:
    if serializer not in _writers.of:
        _writers.of[serializer] = serializer()
    writer = _writers.of[serializer]
    writer._context = {"request": request}
    try:
        return [writer.to_representation(row) for row in rows]
    finally:
        writer._context = {}


def _turned(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, values in request.query_params.lists() for value in values if name != "cursor"]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*kept, ('cursor', cursor)])}")
