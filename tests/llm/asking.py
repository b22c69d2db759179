# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking a pretended model through the meter, as a flow worker would."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.tenancy import tenant
from agents.adapters.database_threads import DatabaseThreads
from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta, Message, Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import new_id
from llm.models import BudgetSpan, LlmCall
from llm.operations.askers import Asker
from llm.operations.known_costs import known_costs
from llm.operations.metering import Metered
from llm.queries.deployments import Deployment
from tests.factories import World

GPT = Deployment("OpenAI", "gpt-4o", "https://api.openai.com/v1", "OPENAI_API_KEY", 128_000)
UNLISTED = Deployment("OpenAI", "gpt-of-tomorrow", "https://api.openai.com/v1", "OPENAI_API_KEY", 128_000)
LOCAL = Deployment("Ollama", "llama3:8b", "http://127.0.0.1:11434/v1", "OLLAMA_MODEL", 8_192, kind="ollama")
TEN_CENTS = Usage(40_000, 0)
"""What ten cents buy of GPT: 40,000 tokens of input at $2.50 a million."""


@dataclass
class PretendedModel:
    """Counts what it is asked; answers with a usage, or fails after some pieces."""

    usage: Usage = field(default_factory=lambda: Usage(1_000, 100))
    pieces: Sequence[str] = ("Once ", "upon a time.")
    error: CodexosError | None = None
    wait: asyncio.Event | None = None
    asked: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    def input_budget(self, model: str) -> int:
        return 1_000

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.asked += 1
        self.begun.set()
        for piece in self.pieces:
            yield Delta(piece)
        if self.wait is not None:
            await self.wait.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        yield ChatAnswer("".join(self.pieces), "gpt-4o-0613", self.usage)


def asker_of(world: World, **more: Any) -> Asker:
    """Return the developer of Acme, asking in a run."""
    ids = {
        "organization_id": world.acme.id,
        "team_id": world.team.id,
        "project_id": world.project.id,
        "person_id": world.dev.person.pk,
        "flow_id": new_id(),
        "run_id": new_id(),
    }
    return Asker(**(ids | more), node_id="answer", key="answer")


async def ask(
    model: PretendedModel,
    asker: Asker,
    *,
    in_thread: DatabaseThreads,
    deployment: Deployment = GPT,
    text: str = "Tell me a story.",
    max_tokens: int | None = 100,
    **more: Any,
) -> ChatAnswer:
    """Ask through the meter and return the answer."""
    request = ChatRequest(deployment.model, [Message("user", text)], max_tokens=max_tokens, **more)
    metered = Metered(model, deployment, asker=asker, in_thread=in_thread)
    pieces = [piece async for piece in metered.stream(request)]
    assert isinstance(pieces[-1], ChatAnswer)
    return pieces[-1]


def calls_of(world: World) -> list[LlmCall]:
    """Return Acme's calls, oldest first."""
    with tenant(world.acme.id):
        return list(LlmCall.objects.for_organization(world.acme.id).order_by("pk"))


def span_of(world: World, budget_id: Any) -> BudgetSpan:
    """Return the one span of a budget."""
    with tenant(world.acme.id):
        return BudgetSpan.objects.for_organization(world.acme.id).get(budget_id=budget_id)


def forget_costs(world: World) -> None:
    """Read what bounds the organization anew, as every process does a moment later."""
    known_costs.forget(world.acme.id)


def dollars(amount: str) -> Decimal:
    """Write an amount."""
    return Decimal(amount)
