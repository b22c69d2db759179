# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every story about HTTP is told to the coroutine client and to the blocking one."""

import pytest

from tests.kernel.asking import ask_blocking, ask_on_loop
from tests.kernel.local_server import LocalServer


@pytest.fixture(params=[ask_on_loop, ask_blocking], ids=["async", "blocking"])
def ask(request):
    return request.param


@pytest.fixture
def server():
    with LocalServer() as running:
        yield running
