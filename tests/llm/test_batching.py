# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions that can wait go into one batch for half the price, are paid once, or asked directly where it fails."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.chat import ChatAnswer, ChatRequest, Message
from llm.adapters.batch_api import new_ticket
from llm.adapters.translation.library import load
from llm.errors import BudgetReached, ModelAnswerUnfit
from llm.models import BatchedCall, LlmCall
from llm.operations import batching
from llm.operations.askers import Asker
from llm.operations.batched_calls import note_ticket
from llm.operations.batching import Patience
from llm.operations.budgets import BudgetRequest, create_budget
from llm.operations.catalogs import catalogs
from llm.operations.chat import chat_stream
from llm.operations.deployments import DeploymentEdit, create_deployment
from llm.operations.known_costs import known_costs
from llm.operations.providers import ProviderEdit, create_provider
from llm.workers.purging import purge_batched
from tests.factories import World
from tests.fakes.batches import KEY, Batches, serve_batches
from tests.llm.setting_up import asker_in, deploy, put_key, route


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PATIENCE", Patience(0.5, 0.01, 0.02))


@pytest.fixture
def provider(world: World, settings: Any) -> Iterator[Batches]:
    """OpenAI, as far as this installation knows."""
    with serve_batches() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


def ask(world: World, *questions: tuple[str, str], model: str = "gpt-4o", **more: Any) -> list[Any]:
    """Ask all at once, each under its key; return the answers, or the errors."""
    asker = more.pop("asker", None) or asker_in(world)
    more.setdefault("may_wait", True)
    catalogs.forget(asker.organization_id)
    known_costs.forget(asker.organization_id)

    async def one(text: str, key: str) -> ChatAnswer:
        request = ChatRequest(model, [Message("user", text)], key=key, **more)
        answers = [piece async for piece in chat_stream(request, asker=asker) if isinstance(piece, ChatAnswer)]
        return answers[0]

    async def every() -> list[Any]:
        return await asyncio.gather(*(one(text, key) for text, key in questions), return_exceptions=True)

    return async_to_sync(every)()


def test_what_can_wait_is_one_batch_for_half_the_price(world: World, provider: Batches) -> None:
    # when
    answers = ask(world, ("one?", "k1"), ("two?", "k2"), ("three?", "k3"))
    # then
    assert [answer.text for answer in answers] == ["Batched: one?", "Batched: two?", "Batched: three?"]
    assert [sorted(asked) for asked in provider.questions()] == [["one?", "three?", "two?"]]
    assert provider.direct == 0
    with tenant(world.acme.id):
        rows = list(LlmCall.objects.for_organization(world.acme.id))
    assert [row.is_batch for row in rows] == [True] * 3
    direct = ask(world, ("four?", "k4"), may_wait=False)[0]
    assert answers[0].usage.cost_usd == direct.usage.cost_usd / 2 > 0


@pytest.mark.parametrize(("may_wait", "key"), [(False, "k"), (True, "")])
def test_what_cannot_wait_or_has_no_key_is_asked_at_once(
    world: World, provider: Batches, may_wait: bool, key: str
) -> None:
    (answer,) = ask(world, ("one?", key), may_wait=may_wait)
    assert answer.text == "Directly: one?"
    assert provider.batches == {}


def test_who_comes_back_waits_for_the_same_batch_and_pays_once(world: World, provider: Batches) -> None:
    first = ask(world, ("one?", "k1"))[0]
    again = ask(world, ("one?", "k1"))[0]
    assert first.text == again.text == "Batched: one?"
    assert len(provider.batches) == 1


def costs_of(world: World) -> list[LlmCall]:
    with tenant(world.acme.id):
        return list(LlmCall.objects.for_organization(world.acme.id).order_by("id"))


def test_who_comes_back_for_an_answer_is_counted_once(world: World, provider: Batches) -> None:
    asker = asker_in(world)
    (first, *_), (again, *_) = ask(world, ("one?", "k1"), asker=asker), ask(world, ("one?", "k1"), asker=asker)
    assert first.usage.cost_usd == again.usage.cost_usd > 0
    calls = costs_of(world)
    assert [call.cost_usd for call in calls] == [first.usage.cost_usd, 0]
    assert [call.input_tokens for call in calls] == [100, 0]


def test_an_estimate_for_who_was_stopped_gives_way_to_what_it_cost(world: World, provider: Batches) -> None:
    asker = asker_in(world)
    provider.looks_until_done = 1_000_000

    async def stop() -> None:
        request = ChatRequest("gpt-4o", [Message("user", "one?")], key="k1", may_wait=True)
        call = asyncio.ensure_future(anext(chat_stream(request, asker=asker)))
        async with asyncio.timeout(20):
            while not provider.looks:  # noqa: ASYNC110 - it is another thread that counts
                await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait({call})

    async_to_sync(stop)()
    (cut,) = costs_of(world)
    assert (cut.outcome, cut.is_estimated) == ("cut", True)
    provider.looks_until_done = 0
    (answer,) = ask(world, ("one?", "k1"), asker=asker)
    assert sum(call.cost_usd or 0 for call in costs_of(world)) == answer.usage.cost_usd
    assert len(provider.batches) == 1


def test_a_provider_that_is_away_for_a_while_is_looked_at_again(world: World, provider: Batches) -> None:
    provider.away = 3
    (answer,) = ask(world, ("one?", "k1"))
    assert answer.text == "Batched: one?"
    assert (len(provider.batches), provider.direct) == (1, 0)


def test_putting_an_answer_right_is_another_question(world: World, provider: Batches) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    (refused,) = ask(world, ("one?", "k1"), schema=schema)
    assert isinstance(refused, ModelAnswerUnfit)
    first, second = provider.questions()
    assert first == ["one?"]
    assert second != first


def test_who_may_wait_is_not_outrun_by_another(world: World, provider: Batches, settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"
    put_key(world.admin.actor, "own_key", KEY)
    edit = ProviderEdit(name="Own", kind="openai", base_url=provider.url, key="own_key")
    own = create_provider(world.admin.actor, edit)
    steps = [deploy(world.admin.actor, own, name) for name in ("one", "two")]
    route(world.admin.actor, "both", steps, hedge_after_ms=(1,))
    (answer,) = ask(world, ("one?", "k1"), model="both")
    assert answer.text == "Batched: one?"
    assert [len(asked) for asked in provider.questions()] == [1]
    assert provider.direct == 0


def test_who_died_while_handing_in_finds_the_batch_again(world: World, provider: Batches) -> None:
    # given: the batch was made, and its maker died before it could write that down
    ask(world, ("one?", "k1"))
    with tenant(world.acme.id):
        row = BatchedCall.objects.for_organization(world.acme.id).get()
    note_ticket(world.acme.id, [row.pk], row.ticket)
    # when
    (answer,) = ask(world, ("one?", "k1"))
    # then
    assert answer.text == "Batched: one?"
    assert len(provider.batches) == 1
    with tenant(world.acme.id):
        assert BatchedCall.objects.for_organization(world.acme.id).get().batch == "batch_0"


@pytest.mark.parametrize("ends_as", ["failed", "cancelled"])
def test_a_batch_that_fails_is_asked_directly_and_the_note_says_so(
    world: World, provider: Batches, ends_as: str
) -> None:
    provider.ends_as = ends_as
    (answer,) = ask(world, ("one?", "k1"))
    assert answer.text == "Directly: one?"
    assert "batch came to nothing, so the model was asked directly: it ended without an answer." in answer.note


def test_what_an_expired_batch_did_not_get_to_is_asked_directly(world: World, provider: Batches) -> None:
    provider.ends_as, provider.unanswered = "expired", {"two"}
    one, two = ask(world, ("one?", "k1"), ("two?", "k2"))
    assert (one.text, two.text) == ("Batched: one?", "Directly: two?")
    assert one.note is None


@pytest.mark.parametrize("status", [404, 429, 500])
def test_who_takes_no_batches_is_asked_directly(world: World, provider: Batches, status: int) -> None:
    provider.refuses = status
    assert [answer.text for answer in ask(world, ("one?", "k1"), ("two?", "k2"))] == [
        "Directly: one?",
        "Directly: two?",
    ]


def test_anthropic_takes_batches_of_messages(world: World, settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_batches(speaks="anthropic") as running:
        offer_claude(world, running)
        answers = ask(world, ("one?", "k1"), ("two?", "k2"), model="claude", max_tokens=50)
        assert [answer.text for answer in answers] == ["Batched: one?", "Batched: two?"]
        assert answers[0].usage.input_tokens == 100
        assert [sorted(asked) for asked in running.questions()] == [["one?", "two?"]]
        schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
        ask(world, ("three?", "k3"), model="claude", schema=schema)
        # A batch says which edition of the protocol its questions are written in.
        assert running.betas[0] == ""
        assert all("structured-outputs" in each for each in running.betas[1:])
        assert len(running.betas) == 3


def offer_claude(world: World, running: Batches) -> None:
    load()
    put_key(world.admin.actor, "claude_key", KEY)
    edit = ProviderEdit(name="Claude", kind="anthropic", base_url=running.url, key="claude_key")
    row = create_provider(world.admin.actor, edit)
    offer = {"model": "claude-haiku-4-5", "context_tokens": 100_000}
    create_deployment(world.admin.actor, DeploymentEdit(provider=str(row.pk), name="claude", **offer))


def test_who_died_while_handing_in_finds_the_batch_at_anthropic_once_it_is_done(world: World, settings: Any) -> None:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_batches(speaks="anthropic") as running:
        offer_claude(world, running)
        # given: two batches of that moment; that of the first question was never written down, and goes on
        ask(world, ("one?", "k1"), model="claude")
        ask(world, ("other?", "k2"), model="claude")
        with tenant(world.acme.id):
            row = BatchedCall.objects.for_organization(world.acme.id).get(key__startswith="k1")
        note_ticket(world.acme.id, [row.pk], row.ticket)
        running.looks_until_done = max(batch["looks"] for batch in running.batches.values()) + 4
        # when
        (answer,) = ask(world, ("one?", "k1"), model="claude")
        # then
        assert answer.text == "Batched: one?"
        assert running.questions() == [["one?"], ["other?"]]
        # given: who died before anything was handed in, long after those
        later = new_ticket(clock.now() + timedelta(days=1))
        note_ticket(world.acme.id, [row.pk], later)
        (answer,) = ask(world, ("one?", "k1"), model="claude")
        assert (answer.text, len(running.batches)) == ("Batched: one?", 3)


def test_a_budget_of_nothing_hands_nothing_in(world: World, provider: Batches) -> None:
    create_budget(world.admin.actor, BudgetRequest("Models", Decimal(0)))
    (answer,) = ask(world, ("one?", "k1"))
    assert isinstance(answer, BudgetReached)
    assert provider.batches == {}


def test_organizations_hand_in_apart_and_see_no_others_rows(world: World, provider: Batches) -> None:
    ask(world, ("one?", "k1"))
    ask(world, ("one?", "k1"), asker=Asker(world.other.id))
    assert provider.questions() == [["one?"], ["one?"]]
    with tenant(world.other.id):
        rows = BatchedCall.objects.across_organizations(because="the test looks for a hole")
        assert rows.count() == 1


def test_who_leaves_before_it_is_handed_in_is_left_out(world: World, provider: Batches) -> None:
    catalogs.forget(world.acme.id)

    async def leave() -> None:
        request = ChatRequest("gpt-4o", [Message("user", "one?")], key="k1", may_wait=True)
        stream = chat_stream(request, asker=asker_in(world))
        call = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.02)
        call.cancel()
        await asyncio.wait({call})
        await asyncio.sleep(0.7)

    async_to_sync(leave)()
    assert provider.batches == {}


def test_batches_that_no_provider_remembers_are_forgotten(world: World, provider: Batches) -> None:
    ask(world, ("old?", "k1"), ("new?", "k2"))
    with tenant(world.acme.id):
        rows = BatchedCall.objects.for_organization(world.acme.id)
        rows.filter(key__startswith="k1#").update(created_at=clock.now() - timedelta(days=31))
    assert purge_batched(world.acme.id) == 1
    with tenant(world.acme.id):
        (left,) = BatchedCall.objects.for_organization(world.acme.id)
    assert left.key.startswith("k2#")


def test_while_the_database_is_away_it_is_asked_directly(
    world: World, provider: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **more: Any) -> None:
        raise OperationalError("the connection was closed")

    for name in ("claim_call", "note_ticket", "note_batch"):
        with monkeypatch.context() as patch:
            patch.setattr(batching, name, away)
            (answer,) = ask(world, ("one?", name))
        assert isinstance(answer, ChatAnswer), answer
        assert "could not be written down" in (answer.note or "")
