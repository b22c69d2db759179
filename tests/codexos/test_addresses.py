# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whose address is written down: the caller's, and never one that the caller made up."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from codexos.kernel.context import client_address
from codexos.middleware import RequestIdMiddleware


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "expected"),
    [
        (False, "6.6.6.6", "127.0.0.1"),
        (True, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (True, "", "127.0.0.1"),
    ],
)
def test_the_address_of_a_request(settings: Any, behind_proxy: bool, forwarded: str, expected: str) -> None:
    settings.BEHIND_PROXY = behind_proxy
    seen: list[str] = []

    def answer(_request: HttpRequest) -> HttpResponse:
        seen.append(client_address.get())
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    RequestIdMiddleware(answer)(request)
    assert seen == [expected]
