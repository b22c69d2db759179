# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Browsers for the tests of pages: one signed in as somebody, one as nobody."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.factories import Someone

Browse = Callable[..., Client]


@pytest.fixture
def browse() -> Browse:
    """Return a browser of somebody, or of nobody: ``browse(world.dev).get("/settings/members/")``."""
    return browser_of


def browser_of(who: Someone | None = None) -> Client:
    """Return a browser in which ``who`` is signed in."""
    client = Client(raise_request_exception=False)
    if who is not None:
        client.force_login(who.person)
    return client
