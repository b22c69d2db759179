# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``Idempotency-Key``: a write that is sent again is answered again, not done again."""

import json
import re
from collections.abc import Callable, Mapping

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.operations.idempotency import (
    BegunWrite,
    KeptAnswer,
    abandon_write,
    begin_write,
    fingerprint_of,
    finish_write,
)
from codexos.kernel.errors import InvalidInput

HEADER = "Idempotency-Key"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SHAPE = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")


def idempotency_key(request: Request) -> str | None:
    """Return the key a write was sent with, None for reads and writes without one. Raises InvalidInput."""
    key = request.headers.get(HEADER)
    if key is None or request.method not in WRITES:
        return None
    if not _SHAPE.fullmatch(key):
        message = f"{HEADER} must be 1 to 255 visible ASCII characters; a UUID does."
        raise InvalidInput(message, errors=[{"place": HEADER, "message": message}])
    return key


def answer_once(
    request: Request, actor: Actor, *, key: str, perform: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """Do a write, or answer as it was answered before. Raises WriteInFlight, KeyReused."""
    head = f"{request.method} {request.get_full_path()}"
    begun = begin_write(actor, key=key, fingerprint=fingerprint_of(head, request._request.body))
    if isinstance(begun, KeptAnswer):
        return _replayed(begun)
    return _finish(actor, begun, perform=perform)


def _finish(actor: Actor, begun: BegunWrite, *, perform: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        response = perform()
    except Exception:
        abandon_write(actor, begun)
        raise
    if response.status_code >= 500 or response.streaming:
        abandon_write(actor, begun)
    else:
        finish_write(actor, begun, answer=KeptAnswer(response.status_code, *_body_and_headers(response)))
    return response


def _body_and_headers(response: HttpResponseBase) -> tuple[bytes, Mapping[str, str]]:
    headers = {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)}
    if isinstance(response, Response):
        # Not rendered yet: DRF chooses how only after the view has answered.
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        return body, {**headers, "Content-Type": "application/json"}
    return bytes(response.content), headers  # type: ignore[attr-defined]


def _replayed(kept: KeptAnswer) -> HttpResponse:
    headers = {**kept.headers, "Idempotency-Replayed": "true"}
    if kept.headers.get("Content-Type") != "application/json":
        return HttpResponse(kept.body, status=kept.status, headers=headers)
    # As data again, for views that wrap another look into what it answered.
    data = json.loads(kept.body) if kept.body else None
    return Response(data, status=kept.status, headers=headers, content_type="application/json")
