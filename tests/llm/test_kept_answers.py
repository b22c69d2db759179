# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Kept answers: given again to the very same request of the same organization, and to nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.tenancy import tenant
from agents.adapters.database_threads import DatabaseThreads
from codexos.kernel import clock
from codexos.kernel.chat import ChatAnswer, ChatRequest, ContextDocument, Delta, Message, ToolOffer
from codexos.kernel.errors import NotAllowed
from llm.engine.kept_answers import key_of
from llm.errors import ModelUnavailable
from llm.models import CallOutcome, KeptAnswer
from llm.operations.caching import Caching, drop_expired, purge_kept
from llm.operations.metering import Metered
from llm.operations.prices import set_cost_rules
from llm.operations.threads import InThread
from tests.factories import World
from tests.llm.asking import GPT, PretendedModel, asker_of, calls_of, forget_costs

ASKED = ChatRequest("gpt-4o", [Message("user", "Tell me a story.")], caches=True)


@pytest.fixture
async def threads() -> AsyncIterator[DatabaseThreads]:
    """Four threads with a connection each."""
    made = DatabaseThreads(4, name="kept")
    yield made
    await made.close()


async def ask(
    model: PretendedModel, world: World, threads: InThread, request: ChatRequest = ASKED, **more: Any
) -> tuple[list[str], ChatAnswer]:
    """Ask through the meter and what keeps answers; return the pieces and the answer."""
    asker = asker_of(world, **more)
    metered = Metered(model, GPT, asker=asker, in_thread=threads)
    caching = Caching(metered, asker=asker, in_thread=threads, resolved="gpt-4o")
    pieces = [piece async for piece in caching.stream(request)]
    assert isinstance(pieces[-1], ChatAnswer)
    return [piece.text for piece in pieces if isinstance(piece, Delta)], pieces[-1]


def kept_of(world: World) -> list[KeptAnswer]:
    with tenant(world.acme.id):
        return list(KeptAnswer.objects.for_organization(world.acme.id))


async def test_the_same_request_is_answered_again_without_the_provider(committed_world: World, threads: InThread):
    model = PretendedModel()
    _pieces, first = await ask(model, committed_world, threads)
    pieces, again = await ask(model, committed_world, threads)
    assert model.asked == 1
    assert "".join(pieces) == again.text == first.text
    assert (again.is_cached, again.saved_usd, again.usage.cost_usd) == (True, Decimal("0.0035"), 0)
    calls = await threads(calls_of, committed_world)
    assert [(call.outcome, call.cost_usd, call.saved_usd) for call in calls] == [
        (CallOutcome.ANSWERED, Decimal("0.0035"), 0),
        (CallOutcome.CACHED, 0, Decimal("0.0035")),
    ]


async def test_who_did_not_ask_for_it_gets_and_leaves_nothing(committed_world: World, threads: InThread):
    model, plain = PretendedModel(), replace(ASKED, caches=False)
    for _ in range(2):
        await ask(model, committed_world, threads, plain)
    assert model.asked == 2
    assert await threads(kept_of, committed_world) == []


async def test_another_organization_gets_nothing_of_it(committed_world: World, threads: InThread):
    model = PretendedModel()
    await ask(model, committed_world, threads)
    await ask(model, committed_world, threads, organization_id=committed_world.other.id)
    assert model.asked == 2


async def test_what_is_no_whole_answer_is_not_kept(committed_world: World, threads: InThread):
    broken = PretendedModel(error=ModelUnavailable("It broke off."))
    with pytest.raises(ModelUnavailable):
        await ask(broken, committed_world, threads)
    empty = PretendedModel(pieces=())
    await ask(empty, committed_world, threads)
    assert await threads(kept_of, committed_world) == []


async def test_it_expires_is_bounded_and_purged(
    committed_world: World, threads: InThread, monkeypatch: pytest.MonkeyPatch
):
    world, model = committed_world, PretendedModel()
    await ask(model, world, threads)
    later = clock.now() + timedelta(days=2)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        await ask(model, world, threads)
        assert model.asked == 2
    assert await threads(drop_expired, world.acme.id) == 0
    await threads(set_cost_rules, world.admin.actor, {"cache_bytes": 600})
    forget_costs(world)
    for text in ("a", "b", "c", "d"):
        await ask(model, world, threads, replace(ASKED, messages=[Message("user", text)]))
    kept = await threads(kept_of, world)
    assert sum(row.bytes for row in kept) <= 600
    assert 0 < len(kept) < 4
    with pytest.raises(NotAllowed):
        await threads(purge_kept, world.dev.actor)
    assert await threads(purge_kept, world.admin.actor) == len(kept)
    await threads(set_cost_rules, world.admin.actor, {"cache_seconds": 0})
    forget_costs(world)
    await ask(model, world, threads)
    assert await threads(kept_of, world) == []


def test_everything_that_matters_is_in_the_key_and_nothing_else():
    key = key_of(ASKED, resolved="gpt-4o")
    same = replace(ASKED, step="other", key="other[1]", timeout_seconds=3.0, conversation="c", may_wait=True)
    assert key_of(same, resolved="gpt-4o") == key
    others = [
        replace(ASKED, messages=[Message("user", "Tell me another.")]),
        replace(ASKED, messages=[Message("system", "Tell me a story.")]),
        replace(ASKED, temperature=0.0),
        replace(ASKED, max_tokens=7),
        replace(ASKED, seed=1),
        replace(ASKED, stop=["x"]),
        replace(ASKED, schema={"type": "object"}),
        replace(ASKED, tools=[ToolOffer("t", "d", {})]),
        replace(ASKED, documents=[ContextDocument("a.md", "text")]),
    ]
    keys = {key_of(other, resolved="gpt-4o") for other in others} | {key_of(ASKED, resolved="another route")}
    assert len(keys) == len(others) + 1
    assert key not in keys
