# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One product for all of these stories, and one server outside that it may reach."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.counting import CountingServer
from tests.durability.instance import Instance, served


@pytest.fixture(scope="session")
def counting() -> Iterator[CountingServer]:
    """The server outside."""
    with CountingServer() as server:
        yield server


@pytest.fixture(scope="session")
def instance(counting: CountingServer) -> Iterator[Instance]:
    """The product, allowed to reach that server."""
    with (
        tempfile.TemporaryDirectory(prefix="codexos-kept-") as folder,
        served(Path(folder), CODEXOS_EGRESS_ALLOW=f"127.0.0.1:{counting.port}") as running,
    ):
        yield running
