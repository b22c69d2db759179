# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Bodies as streams, in both directions and under both servers (ASGI and WSGI)."""

from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, UnreadablePostError
from rest_framework.exceptions import UnsupportedMediaType

from codexos.kernel.errors import InvalidInput
from rag.errors import UploadIncomplete

PIECE_BYTES = 256 * 1024


class LengthRequired(InvalidInput):
    """The server below cannot tell where a body without a length ends."""

    def __init__(self) -> None:
        super().__init__("Send the upload with a Content-Length.")


def announced_bytes(request: HttpRequest) -> int | None:
    """Return how long the sender says the body is; None where it is sent in chunks."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return None
    text = request.META.get("CONTENT_LENGTH") or ""
    if text.isascii() and text.isdigit():
        return int(text)
    # HTTP/1 without a length has no body; only ASGI knows other ways of ending one.
    return None if isinstance(request, ASGIRequest) else 0


def pieces_of(request: HttpRequest, *, path: str) -> Iterator[bytes]:
    """Yield the raw body. Raises UnsupportedMediaType, LengthRequired, UploadIncomplete."""
    if request.content_type == "multipart/form-data":
        # Stored as it is, the form's wrapping would become part of the file.
        raise UnsupportedMediaType("multipart/form-data", "Send the file's bytes as the body: curl -T FILE, not -F.")
    return _pieces(_stream(request), path=path, announced=announced_bytes(request))


def _stream(request: HttpRequest) -> IO[bytes]:
    if isinstance(request, ASGIRequest) or announced_bytes(request) is not None:
        return request  # type: ignore[return-value]
    if not request.META.get("wsgi.input_terminated"):
        raise LengthRequired
    # Django reads no further than Content-Length, and would take a chunked body for an empty one.
    stream: IO[bytes] = request.META["wsgi.input"]
    return stream


def _pieces(stream: IO[bytes], *, path: str, announced: int | None) -> Iterator[bytes]:
    got = 0
    try:
        while piece := stream.read(PIECE_BYTES):
            got += len(piece)
            yield piece
    except UnreadablePostError as error:
        raise UploadIncomplete(path, expected_bytes=announced or 0, got_bytes=got) from error


def sent_as_possible(request: HttpRequest, pieces: Iterator[bytes]) -> Any:
    """Return ``pieces`` as the server wants them: under ASGI a plain iterator would be read whole into memory."""
    return _asynchronously(pieces) if isinstance(request, ASGIRequest) else pieces


async def _asynchronously(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    take = sync_to_async(lambda: next(pieces, None), thread_sensitive=False)
    while (piece := await take()) is not None:
        yield piece
