# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers that are files to keep: asked for by name, sent as they are read, and safe to open in a spreadsheet."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from accounts.rest.views import OrganizationAPIView

CSV = "text/csv; charset=utf-8"
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FileAPIView(OrganizationAPIView):
    """What is sent is asked for by name, so any Accept header will do; errors are problems all the same."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take any Accept header."""
        return JSONRenderer(), JSONRenderer.media_type


def csv_rows(rows: Iterable[Sequence[str]]) -> str:
    """Write rows as CSV."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def csv_cell(text: str) -> str:
    """Return a cell that is text. A spreadsheet would take some for a formula, and do what their author wrote there."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def streamed_bytes(
    request: HttpRequest, pieces: Iterator[bytes], *, name: str, size: int, kind: str = "application/octet-stream"
) -> StreamingHttpResponse:
    """Return a file of whatever kind as bytes to keep, which no browser shows or runs on our address.

    One that is known to be a picture says so by its ``kind``, and pages may show it as one; by itself it is still kept.
    """
    sent = _asynchronously(pieces) if isinstance(request, ASGIRequest) else pieces
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "Content-Length": str(size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return StreamingHttpResponse(sent, content_type=kind, headers=headers)


def streamed_file(
    request: HttpRequest, pieces: Iterator[str], *, content_type: str, name: str
) -> StreamingHttpResponse:
    """Return a file that is sent as it is read, and kept by nobody on the way."""
    # Under ASGI, Django would read a plain iterator to its end before it sends the first byte.
    sent = _asynchronously(pieces) if isinstance(request, ASGIRequest) else pieces
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(sent, content_type=content_type, headers=headers)


T = TypeVar("T", str, bytes)


async def _asynchronously(pieces: Iterator[T]) -> AsyncIterator[T]:
    def take() -> T | None:
        return next(pieces, None)

    while (piece := await sync_to_async(take)()) is not None:
        yield piece
