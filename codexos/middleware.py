# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Gives every request an id, which the answer, the logs and problem reports carry."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from codexos.kernel.context import client_address, request_id
from codexos.kernel.ids import new_id

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Takes a well-formed X-Request-ID from the client, else makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        current = offered if _ACCEPTABLE.fullmatch(offered) else str(new_id())
        id_token = request_id.set(current)
        address_token = client_address.set(request.META.get("REMOTE_ADDR") or "")
        try:
            response = self._get_response(request)
            response["X-Request-ID"] = current
            return response
        finally:
            request_id.reset(id_token)
            client_address.reset(address_token)
