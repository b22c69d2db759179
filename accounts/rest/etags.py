# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""ETags: an edit names the state it was made from, and a read of an unchanged thing costs no body."""

import base64
import hashlib
import re
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from rest_framework.request import Request

from accounts.errors import PreconditionFailed

_REVISION = re.compile(r'"(\d{1,9})\.[^"]*"')


def expected_revisions(request: Request) -> frozenset[int] | None:
    """Return the revisions that ``If-Match`` names in ETags like ``"7.more"``; None where it names none or any."""
    header = request.headers.get("If-Match", "").strip()
    return frozenset(map(int, _REVISION.findall(header))) if header and header != "*" else None


def etag_of(row: Model) -> str:
    """Return the strong ETag of a row: a hash of everything it holds."""
    digest = hashlib.sha256()
    for field in row._meta.concrete_fields:
        digest.update(f"{field.attname}={_written(getattr(row, field.attname))};".encode())
    return f'"{base64.urlsafe_b64encode(digest.digest()[:15]).decode()}"'


def _written(value: Any) -> str:
    if isinstance(value, memoryview):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def check_if_match(request: Request | HttpRequest, row: Model) -> None:
    """Let an edit through that names the row's present state or none. Raises PreconditionFailed (412)."""
    wanted = request.headers.get("If-Match", "")
    if wanted and wanted.strip() != "*" and etag_of(row) not in parse_etags(wanted):
        raise PreconditionFailed(
            "This was changed since you read it. Read it again, then repeat the edit with its new ETag."
        )


def is_unchanged(request: Request | HttpRequest, response: HttpResponseBase) -> bool:
    """Tell whether the client holds what a successful read would send."""
    etag = response.headers.get("ETag")
    if request.method not in {"GET", "HEAD"} or response.status_code != 200 or not etag:
        return False
    known = request.headers.get("If-None-Match", "")
    return known.strip() == "*" or etag.removeprefix("W/") in {one.removeprefix("W/") for one in parse_etags(known)}
