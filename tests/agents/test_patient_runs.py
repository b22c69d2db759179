# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs whose models may take hours: they outlast their worker, pay once and keep nobody from asking."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from django.conf import LazySettings

from agents.adapters.chat_model import GatewayModel
from codexos.kernel.chat import ChatAnswer, ChatRequest, Message
from llm.operations import batching
from llm.operations.askers import Asker
from llm.operations.batching import Patience
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.batches import KEY, Batches, serve_batches

NODES = [
    {"id": "start", "type": "entry", "next": "answer"},
    {"id": "answer", "type": "llm", "model": "gpt-4o", "prompt": "one?", "can_wait": True, "next": "end"},
    {"id": "end", "type": "exit"},
]
BODY = {"agent_id": "patient", "flow": {"id": "patient", "nodes": NODES}, "input": "Go"}


@pytest.fixture
def provider(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Batches]:
    """OpenAI, as far as this installation knows."""
    monkeypatch.setattr(batching, "PATIENCE", Patience(0.05, 0.01, 0.02))
    with serve_batches() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


async def test_a_run_outlasts_its_worker_and_pays_once(
    committed_world: World, truth: psycopg.Connection, provider: Batches
) -> None:
    provider.looks_until_done = 1_000_000
    running = asyncio.create_task(run_agent(committed_world.dev, BODY))
    with working("one") as worker:
        async with asyncio.timeout(30):
            while not provider.looks:  # noqa: ASYNC110 - it is another thread that counts
                await asyncio.sleep(0.01)
        assert worker is not None
    provider.looks_until_done = 0
    with working("two"):
        run = (await running).json()
    assert run["status"] == "succeeded", run
    assert run["result"]["output"] == "Batched: one?"
    assert (len(provider.batches), provider.direct) == (1, 0)
    (cost,) = truth.execute("select sum(cost_usd) from llm_llmcall").fetchone() or (None,)
    # 100 tokens in and 10 out, at half the price.
    assert cost == Decimal("0.000175")


async def test_who_waits_for_a_batch_keeps_nobody_from_a_socket(committed_world: World, provider: Batches) -> None:
    provider.looks_until_done = 1_000_000
    calls = asyncio.Semaphore(1)
    model = GatewayModel(asker=Asker(committed_world.acme.id), calls=calls)

    def ask(*, may_wait: bool) -> "asyncio.Task[ChatAnswer]":
        request = ChatRequest("gpt-4o", [Message("user", "one?")], key=f"k{may_wait}", may_wait=may_wait)

        async def take() -> ChatAnswer:
            *_, answer = [piece async for piece in model.stream(request)]
            assert isinstance(answer, ChatAnswer)
            return answer

        return asyncio.create_task(take())

    patient = ask(may_wait=True)
    async with asyncio.timeout(30):
        while not provider.looks:  # noqa: ASYNC110 - it is another thread that counts
            await asyncio.sleep(0.01)
        assert (await ask(may_wait=False)).text == "Directly: one?"
        provider.looks_until_done = 0
        assert (await patient).text == "Batched: one?"
