# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Handing out what people stored, so that no browser ever runs it on our address."""

import re
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, http_date, parse_etags

from codexos.kernel.errors import InvalidInput
from rag.api.bodies import sent_as_possible
from rag.models import FileVersion
from rag.operations.contents import read_content

# What a browser could run, by itself or as part of a page. It is handed out as the text it is.
_ACTIVE = re.compile(
    r"text/(html|javascript|css|xml)|application/(xhtml\+xml|javascript|xml|wasm)|image/svg\+xml|.*\+xml"
)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_SHIELD = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
}


class RangeNotSatisfiable(InvalidInput):
    """The range lies outside of the file."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes; ask for a range within them.", size=size)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file."""

    start: int
    length: int


def download(request: HttpRequest, version: FileVersion) -> HttpResponseBase:
    """Return a version as an attachment: whole, in part, or not at all where the client has it."""
    if _is_known(request, version):
        return HttpResponseNotModified(headers={"ETag": version.etag})
    span = _span(request, version)
    size = version.size if span is None else span.length
    headers = {
        **_SHIELD,
        "Content-Type": wire_type(version),
        "Content-Disposition": content_disposition_header(True, version.file.name),
        "Content-Length": str(size),
        "ETag": version.etag,
        "Last-Modified": http_date(version.created_at.timestamp()),
    }
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{version.size}"
    status = 200 if span is None else 206
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    pieces = read_content(version, start=span.start if span else 0, length=size)
    return StreamingHttpResponse(sent_as_possible(request, pieces), status=status, headers=headers)


def wire_type(version: FileVersion) -> str:
    """Return the type to send: the true one, but plain text for what a browser could run."""
    kind = version.media_type
    if _ACTIVE.fullmatch(kind):
        kind = "text/plain"
    if version.encoding and kind.startswith("text/"):
        return f"{kind}; charset={version.encoding.removesuffix('-sig')}"
    return kind


def _is_known(request: HttpRequest, version: FileVersion) -> bool:
    known = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    return "*" in known or version.etag in known


def _span(request: HttpRequest, version: FileVersion) -> Span | None:
    """Read a Range header of one span; several, or one for other content than this, mean the whole."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or found[0] == "bytes=-" or request.headers.get("If-Range", version.etag) != version.etag:
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, version.size - int(last)), version.size - 1
    else:
        start, end = int(first), min(int(last), version.size - 1) if last else version.size - 1
        if last and int(last) < start:
            return None
    if start > end:
        raise RangeNotSatisfiable(version.size)
    return Span(start, end - start + 1)
