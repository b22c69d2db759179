# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Fixtures of the roof: the probe's routes, and nothing counted before."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import clear_url_caches

from tests.codexos import probe


@pytest.fixture
def probes(settings: Any) -> Iterator[None]:
    """Serve tests/codexos/probe.py."""
    settings.ROOT_URLCONF = "tests.codexos.probe"
    clear_url_caches()
    probe.calls.clear()
    yield
    clear_url_caches()
