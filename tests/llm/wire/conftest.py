# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ten providers, each served on a local port in its own format, and how they are asked."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Message
from codexos.kernel.http import EgressPolicy
from llm.adapters.chosen import open_adapter
from llm.engine.providers import KINDS, PROVIDERS
from llm.queries.deployments import Deployment
from tests.fakes.providers import FAKES
from tests.fakes.providers.server import KEY, FakeProvider, serve


class Line:
    """A provider, and the deployment that leads to it."""

    is_apart = False

    def __init__(self, fake: FakeProvider) -> None:
        self.fake = fake
        self.deployment = Deployment(
            PROVIDERS[fake.kind].label,
            fake.model,
            fake.base_url,
            "THE_KEY",
            100_000,
            KEY if PROVIDERS[fake.kind].key == "required" or fake.kind in {"llamacpp", "vllm"} else "",
            kind=fake.kind,
            options=fake.options,
        )
        self.policy = EgressPolicy(named=frozenset({self.deployment.host_and_port}))

    async def pieces(self, text: str = "Who lit the lamp?", **more: Any) -> AsyncIterator[Delta | ChatAnswer]:
        """Ask, and yield what comes."""
        messages = more.pop("messages", [Message("user", text)])
        async for piece in open_adapter(self.deployment, policy=self.policy, apart=self.is_apart).stream(
            ChatRequest(self.deployment.model, messages, **more)
        ):
            yield piece

    async def ask(self, text: str = "Who lit the lamp?", **more: Any) -> tuple[list[Delta], ChatAnswer]:
        """Ask, and return the pieces and the whole."""
        pieces = [piece async for piece in self.pieces(text, **more)]
        answer = pieces.pop()
        assert isinstance(answer, ChatAnswer)
        assert all(isinstance(piece, Delta) for piece in pieces)
        return pieces, answer  # type: ignore[return-value]

    def with_key(self, key: str) -> None:
        """Show another key from now on."""
        self.deployment = replace(self.deployment, key=key)


@pytest.fixture(params=KINDS)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """Each of the ten, one after the other."""
    with serve(FAKES[request.param]()) as fake:
        yield Line(fake)


@pytest.fixture(params=[kind for kind in KINDS if PROVIDERS[kind].speaker == "litellm"])
def translated(request: pytest.FixtureRequest) -> Iterator[Line]:
    """Each of those that speak a protocol of their own."""
    with serve(FAKES[request.param]()) as fake:
        yield Line(fake)
