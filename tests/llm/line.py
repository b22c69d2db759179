# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A provider of OpenAI's kind on the wire, and our model at the other end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta, Message
from codexos.kernel.http import EgressPolicy
from llm.adapters.openai_compatible import OpenAICompatibleModel
from llm.queries.deployments import Deployment
from tests.fakes.openai import KEY, Provider

QUESTION = Message("user", "How is the weather?")


@dataclass
class Line:
    """Who is asked, and by what: a wrapper may be put around the model."""

    provider: Provider
    around: Callable[[ChatModel], ChatModel] = lambda model: model

    def model(self, name: str = "gpt-4o") -> ChatModel:
        """Our side of the line."""
        deployment = Deployment("OpenAI", name, self.provider.url, "OPENAI_API_KEY", 128_000, KEY, is_of_openai=True)
        policy = EgressPolicy(named=frozenset({deployment.host_and_port}))
        return self.around(OpenAICompatibleModel(deployment, policy=policy))

    async def ask(self, *messages: Message, model: str = "gpt-4o", **more: Any) -> tuple[list[Delta], ChatAnswer]:
        """Ask, and take all of the answer."""
        asked = ChatRequest(model, messages or (QUESTION,), **more)
        *deltas, answer = [piece async for piece in self.model(model).stream(asked)]
        assert isinstance(answer, ChatAnswer)
        return [piece for piece in deltas if isinstance(piece, Delta)], answer
