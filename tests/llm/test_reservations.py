# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is held for a call is let go of, however the call comes to nothing; and nobody waits longer than it helps."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from agents.adapters.database_threads import DatabaseThreads
from codexos.kernel import clock
from codexos.kernel.chat import ChatRequest, Message
from codexos.kernel.ids import new_id
from llm.errors import ModelUnavailable
from llm.models import BudgetScope, CallOutcome
from llm.operations import metering, spending
from llm.operations.budgets import BudgetRequest, create_budget
from llm.operations.known_costs import known_costs
from llm.operations.metering import Metered
from llm.operations.spending import settle_lost
from tests.factories import World
from tests.llm.asking import GPT, UNLISTED, PretendedModel, ask, asker_of, calls_of, span_of

REQUEST = ChatRequest("gpt-4o", [Message("user", "Hi")], max_tokens=100)


@pytest.fixture
async def threads() -> AsyncIterator[DatabaseThreads]:
    """Eight threads with a connection each."""
    made = DatabaseThreads(8, name="held")
    yield made
    await made.close()


def budget(world: World, limit: str, **more: Any) -> Any:
    return create_budget(world.admin.actor, BudgetRequest("Models", Decimal(limit), **more))


async def test_who_is_cancelled_while_it_begins_holds_nothing_and_pays_nothing(
    committed_world: World, threads: DatabaseThreads
) -> None:
    row = await threads(budget, committed_world, "1")
    reached, go_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    async def slowly(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        def do() -> Any:
            loop.call_soon_threadsafe(reached.set)
            assert go_on.wait(10)
            return function(*args, **more)

        return await (threads(do) if function is spending.hold else threads(function, *args, **more))

    model = PretendedModel()
    stream = Metered(model, GPT, asker=asker_of(committed_world), in_thread=slowly).stream(REQUEST)
    task = asyncio.ensure_future(anext(stream))
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    # Cancelled once more while it lets go: it lets go all the same.
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.asked == 0
    span = await threads(span_of, committed_world, row.id)
    assert (span.reserved_usd, span.spent_usd) == (0, 0)
    assert await threads(calls_of, committed_world) == []


async def test_calls_of_unknown_price_wait_for_no_other(committed_world: World, threads: DatabaseThreads) -> None:
    await threads(budget, committed_world, "1", allows_unpriced=True)
    first, second = PretendedModel(wait=asyncio.Event()), PretendedModel()
    assert first.wait
    task = asyncio.create_task(ask(first, asker_of(committed_world), in_thread=threads, deployment=UNLISTED))
    await first.begun.wait()
    metered = Metered(second, UNLISTED, asker=asker_of(committed_world), in_thread=threads)
    held = await metered._held(
        metered._call(REQUEST, (await _costs(threads, committed_world))), most=Decimal(0), is_patient=True
    )
    assert held.id is not None
    first.wait.set()
    await task


async def test_a_first_call_that_takes_long_is_not_waited_for_for_ever(
    committed_world: World, threads: DatabaseThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(metering, "WAIT_SECONDS", 0.0)
    await threads(budget, committed_world, "1")
    slow, others = PretendedModel(wait=asyncio.Event()), PretendedModel()
    assert slow.wait
    task = asyncio.create_task(ask(slow, asker_of(committed_world), in_thread=threads))
    await slow.begun.wait()
    await asyncio.gather(*(ask(others, asker_of(committed_world), in_thread=threads) for _ in range(5)))
    assert others.asked == 5
    slow.wait.set()
    await task


async def test_calls_that_all_fail_are_not_told_that_budgets_cannot_be_read(
    committed_world: World, threads: DatabaseThreads
) -> None:
    await threads(budget, committed_world, "1")
    model = PretendedModel(pieces=(), error=ModelUnavailable("Too busy."))
    asking = (ask(model, asker_of(committed_world), in_thread=threads) for _ in range(8))
    errors = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in errors] == [ModelUnavailable] * 8
    assert model.asked == 8


async def test_who_settles_and_who_takes_it_for_lost_wait_in_no_circle(
    committed_world: World, threads: DatabaseThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, flows = committed_world, [new_id(), new_id()]
    everybody = await threads(budget, world, "100")
    for flow in flows:
        await threads(budget, world, "100", scope=BudgetScope.FLOW, scope_id=flow)
    await ask(PretendedModel(), asker_of(world, flow_id=flows[0]), in_thread=threads)
    metered = [
        Metered(PretendedModel(), GPT, asker=asker_of(world, flow_id=flows[n % 2]), in_thread=threads)
        for n in range(16)
    ]
    calls = [await each._begin(REQUEST) for each in metered]
    later = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    monkeypatch.setattr(metering, "_SETTLE_PAUSES", (0.0,))
    settling = (each._settle(call, call.broken(CallOutcome.CUT)) for each, call in zip(metered, calls, strict=True))
    await asyncio.gather(*settling, *(threads(settle_lost, world.acme.id) for _ in range(4)))
    span = await threads(span_of, world, everybody.id)
    assert span.reserved_usd == 0
    assert span.spent_usd == sum(call.cost_usd or 0 for call in await threads(calls_of, world))


async def _costs(threads: DatabaseThreads, world: World) -> Any:
    return (await known_costs.of(world.acme.id, in_thread=threads)).price_of(UNLISTED)
