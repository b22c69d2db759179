# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A line to a provider for the tests of the port."""

from collections.abc import Iterator

import pytest

from tests.fakes.openai import serve_provider
from tests.llm.line import Line


@pytest.fixture
def line() -> Iterator[Line]:
    """A provider that is right and ready."""
    with serve_provider() as provider:
        yield Line(provider)
