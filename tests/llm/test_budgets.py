# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Budgets hold: under concurrency, across periods and deaths; what they refuse is never sent."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import NameInvalid
from accounts.models import AuditEvent, OutboxEvent
from accounts.tenancy import tenant
from agents.adapters.database_threads import DatabaseThreads
from codexos.kernel import clock
from codexos.kernel.chat import ChatRequest, Message, Usage
from codexos.kernel.errors import NotAllowed
from codexos.kernel.ids import new_id
from llm.errors import BudgetInvalid, BudgetPriceUnknown, BudgetReached, ModelUnavailable
from llm.models import BudgetPeriod, BudgetScope, CallOutcome, Reservation
from llm.operations import metering
from llm.operations.budgets import BudgetRequest, change_budget, create_budget, drop_budget
from llm.operations.metering import Metered
from llm.operations.spending import settle_lost
from llm.operations.sweeping import sweep_costs
from llm.operations.threads import InThread
from tests.factories import World
from tests.llm.asking import (
    GPT,
    LOCAL,
    TEN_CENTS,
    UNLISTED,
    PretendedModel,
    ask,
    asker_of,
    calls_of,
    span_of,
)


@pytest.fixture
async def threads() -> AsyncIterator[DatabaseThreads]:
    """Eight threads with a connection each."""
    made = DatabaseThreads(8, name="money")
    yield made
    await made.close()


def budget(world: World, limit: str, **more: Any) -> Any:
    """Set up a budget for all of Acme, or for whom ``more`` says."""
    return create_budget(world.admin.actor, BudgetRequest("Models", Decimal(limit), **more))


async def test_fifty_at_once_go_over_a_dollar_by_one_call_at_most(committed_world: World, threads: InThread):
    row = await threads(budget, committed_world, "1")
    model = PretendedModel(usage=TEN_CENTS)
    asking = (ask(model, asker_of(committed_world), in_thread=threads, max_tokens=4_000) for _ in range(50))
    answers = await asyncio.gather(*asking, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, BudgetReached)]
    span = await threads(span_of, committed_world, row.id)
    assert len(refused) + model.asked == 50
    assert Decimal(1) <= span.spent_usd <= Decimal("1.10")
    assert span.reserved_usd == 0
    calls = await threads(calls_of, committed_world)
    assert sum(call.cost_usd or 0 for call in calls) == span.spent_usd == model.asked * Decimal("0.1")


async def test_a_call_that_may_cost_more_than_is_left_is_made_alone(committed_world: World, threads: InThread):
    row = await threads(budget, committed_world, "1")
    model = PretendedModel(usage=Usage(4_000, 0))
    # Without a limit of its own, each may cost 16 cents: at most seven may be on their way at once.
    asking = (ask(model, asker_of(committed_world), in_thread=threads, max_tokens=None) for _ in range(50))
    await asyncio.gather(*asking)
    assert model.asked == 50
    assert (await threads(span_of, committed_world, row.id)).spent_usd == Decimal("0.5")


async def test_a_budget_of_nothing_lets_only_what_is_free_answer(committed_world: World, threads: InThread):
    await threads(budget, committed_world, "0")
    paid, free = PretendedModel(), PretendedModel()
    with pytest.raises(BudgetReached) as refused:
        await ask(paid, asker_of(committed_world), in_thread=threads)
    assert paid.asked == 0
    for words in ("'Models'", "$0 of $0", "begins anew", "organization admin", "/models/budgets/"):
        assert words in refused.value.message
    await ask(free, asker_of(committed_world), in_thread=threads, deployment=LOCAL)
    assert free.asked == 1


async def test_a_budget_bounds_those_it_is_for(committed_world: World, threads: InThread):
    world, model = committed_world, PretendedModel(usage=TEN_CENTS)
    flow = new_id()
    for scope, id_ in (
        (BudgetScope.FLOW, flow),
        (BudgetScope.PERSON, world.viewer.person.pk),
        (BudgetScope.TEAM, world.team.id),
    ):
        await threads(budget, world, "0.05" if scope != BudgetScope.TEAM else "5", scope=scope, scope_id=id_)
    await ask(model, asker_of(world), in_thread=threads)
    await ask(model, asker_of(world, flow_id=flow), in_thread=threads)
    with pytest.raises(BudgetReached):
        await ask(model, asker_of(world, flow_id=flow), in_thread=threads)
    await ask(model, asker_of(world, person_id=world.viewer.person.pk), in_thread=threads)
    with pytest.raises(BudgetReached):
        await ask(model, asker_of(world, person_id=world.viewer.person.pk), in_thread=threads)
    stranger = asker_of(world, organization_id=world.other.id, flow_id=flow)
    await ask(model, stranger, in_thread=threads)
    assert model.asked == 4


async def test_an_unknown_price_is_refused_unless_the_budget_allows_it(committed_world: World, threads: InThread):
    world, model = committed_world, PretendedModel()
    answer = await ask(model, asker_of(world), in_thread=threads, deployment=UNLISTED)
    assert "price" in (answer.note or "")
    row = await threads(budget, world, "1")
    with pytest.raises(BudgetPriceUnknown, match="/models/prices/"):
        await ask(model, asker_of(world), in_thread=threads, deployment=UNLISTED)
    assert model.asked == 1
    await threads(change_budget, world.admin.actor, row.id, changes={"allows_unpriced": True})
    await ask(model, asker_of(world), in_thread=threads, deployment=UNLISTED)
    assert (await threads(span_of, world, row.id)).unpriced_calls == 1
    assert [call.cost_usd for call in await threads(calls_of, world)] == [None, None]


async def test_what_was_refused_costs_nothing_whatever_its_price(committed_world: World, threads: InThread):
    world = committed_world
    row = await threads(budget, world, "1", allows_unpriced=True)
    refused = PretendedModel(pieces=(), error=ModelUnavailable("Too busy."))
    with pytest.raises(ModelUnavailable):
        await ask(refused, asker_of(world), in_thread=threads, deployment=UNLISTED)
    broken = PretendedModel(error=ModelUnavailable("It broke off."))
    with pytest.raises(ModelUnavailable):
        await ask(broken, asker_of(world), in_thread=threads, deployment=UNLISTED)
    assert [call.cost_usd for call in await threads(calls_of, world)] == [0, None]
    assert (await threads(span_of, world, row.id)).unpriced_calls == 1


async def test_what_fails_on_its_way_or_is_hung_up_on_is_counted(committed_world: World, threads: InThread):
    world = committed_world
    row = await threads(budget, world, "1")
    broken = PretendedModel(error=ModelUnavailable("It broke off."))
    with pytest.raises(ModelUnavailable):
        await ask(broken, asker_of(world), in_thread=threads)
    refused = PretendedModel(pieces=(), error=ModelUnavailable("Too busy."))
    with pytest.raises(ModelUnavailable):
        await ask(refused, asker_of(world), in_thread=threads)
    request = ChatRequest("gpt-4o", [Message("user", "Go on.")], max_tokens=100)
    stream = Metered(PretendedModel(), GPT, asker=asker_of(world), in_thread=threads).stream(request)
    await anext(stream)
    await stream.aclose()
    calls = await threads(calls_of, world)
    assert [(call.outcome, call.is_estimated) for call in calls] == [
        (CallOutcome.FAILED, True),
        (CallOutcome.FAILED, False),
        (CallOutcome.CUT, True),
    ]
    assert [bool(call.cost_usd) for call in calls] == [True, False, True]
    span = await threads(span_of, world, row.id)
    assert span.spent_usd == sum(call.cost_usd or 0 for call in calls)
    assert span.reserved_usd == 0


async def test_a_call_that_is_cancelled_lets_go_of_what_it_held(committed_world: World, threads: InThread):
    row = await threads(budget, committed_world, "1")
    model = PretendedModel(wait=asyncio.Event())
    task = asyncio.create_task(ask(model, asker_of(committed_world), in_thread=threads))
    await model.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = await threads(span_of, committed_world, row.id)
    assert span.reserved_usd == 0
    assert span.spent_usd > 0


async def test_what_a_dead_worker_held_is_settled_by_an_estimate(
    committed_world: World, threads: InThread, monkeypatch: pytest.MonkeyPatch
):
    world = committed_world
    row = await threads(budget, world, "1")
    request = ChatRequest("gpt-4o", [Message("user", "x" * 4_000)], max_tokens=100)
    metered = Metered(PretendedModel(), GPT, asker=asker_of(world), in_thread=threads)
    call = await metered._begin(request)  # and here its worker is killed
    assert (await threads(span_of, world, row.id)).reserved_usd > 0
    assert await threads(settle_lost, world.acme.id) == 0
    later = clock.now() + timedelta(minutes=10)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        assert await threads(sweep_costs) == 1
    span = await threads(span_of, world, row.id)
    lost = (await threads(calls_of, world))[0]
    assert (lost.outcome, lost.is_estimated, lost.input_tokens) == (CallOutcome.LOST, True, 1_008)
    assert (span.reserved_usd, span.spent_usd) == (0, lost.cost_usd)
    # It was not dead after all: from here on only the difference counts, so that the sum is what it cost.
    await metered._settle(call, call.ended(CallOutcome.ANSWERED, TEN_CENTS))
    span = await threads(span_of, world, row.id)
    assert span.spent_usd == Decimal("0.1")
    calls = await threads(calls_of, world)
    assert sum(each.cost_usd or 0 for each in calls) == Decimal("0.1")
    assert sum(each.input_tokens for each in calls) == TEN_CENTS.input_tokens


async def test_what_others_left_behind_does_not_stand_in_the_way(
    committed_world: World, threads: InThread, monkeypatch: pytest.MonkeyPatch
):
    world = committed_world
    await threads(budget, world, "0.01")
    request = ChatRequest("gpt-4o", [Message("user", "Hi")], max_tokens=1_000)
    await Metered(PretendedModel(), GPT, asker=asker_of(world), in_thread=threads)._begin(request)
    later = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    model = PretendedModel()
    await ask(model, asker_of(world), in_thread=threads)
    assert model.asked == 1


async def test_all_that_is_left_is_waited_for_and_then_refused(
    committed_world: World, threads: InThread, monkeypatch: pytest.MonkeyPatch
):
    world = committed_world
    await threads(budget, world, "0.001")
    monkeypatch.setattr(metering, "WAIT_SECONDS", 0.2)
    first = PretendedModel(wait=asyncio.Event())
    task = asyncio.create_task(ask(first, asker_of(world), in_thread=threads, max_tokens=1_000))
    await first.begun.wait()
    second = PretendedModel()
    with pytest.raises(BudgetReached, match="spoken for"):
        await ask(second, asker_of(world), in_thread=threads)
    first.wait.set()
    await task
    assert second.asked == 0


async def test_a_period_that_turns_in_the_middle_of_a_call_counts_it_where_it_began(
    committed_world: World, threads: InThread, monkeypatch: pytest.MonkeyPatch
):
    world, moment = committed_world, datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: moment)
    row = await threads(budget, world, "0.05")
    model = PretendedModel(usage=TEN_CENTS, wait=asyncio.Event())
    task = asyncio.create_task(ask(model, asker_of(world), in_thread=threads))
    await model.begun.wait()
    monkeypatch.setattr(clock, "now", lambda: moment + timedelta(minutes=2))
    model.wait.set()
    await task
    assert (await threads(span_of, world, row.id)).starts_at == datetime(2026, 12, 1, tzinfo=UTC)
    await ask(PretendedModel(), asker_of(world), in_thread=threads)
    # A clock that is moved back opens no budget again: what was spent then is still spent.
    monkeypatch.setattr(clock, "now", lambda: moment)
    with pytest.raises(BudgetReached):
        await ask(PretendedModel(), asker_of(world), in_thread=threads)


async def test_what_was_spent_before_there_was_the_budget_counts(committed_world: World, threads: InThread):
    world = committed_world
    await ask(PretendedModel(usage=TEN_CENTS), asker_of(world), in_thread=threads)
    row = await threads(budget, world, "0.1")
    with pytest.raises(BudgetReached):
        await ask(PretendedModel(), asker_of(world), in_thread=threads)
    await threads(change_budget, world.admin.actor, row.id, changes={"limit_usd": Decimal("0.2")})
    await ask(PretendedModel(), asker_of(world), in_thread=threads)


async def test_each_threshold_is_told_once_in_each_period(
    committed_world: World, threads: InThread, mailoutbox: list[Any]
):
    world = committed_world
    await threads(budget, world, "1", alerts=[50, 80, 100], is_hard=False)
    model = PretendedModel(usage=TEN_CENTS)
    for _ in range(2):
        await asyncio.gather(*(ask(model, asker_of(world), in_thread=threads) for _ in range(6)))

    def told() -> tuple[list[int], list[str]]:
        with tenant(world.acme.id):
            events = AuditEvent.objects.for_organization(world.acme.id).filter(action="budget.threshold_passed")
            news = OutboxEvent.objects.for_organization(world.acme.id).filter(name="budget.threshold_passed")
            return [event.details["percent"] for event in events.order_by("pk")], [each.name for each in news]

    percents, news = await threads(told)
    assert percents == [50, 80, 100]
    assert len(news) == 3


async def test_with_no_budgets_nothing_is_held(committed_world: World, threads: InThread):
    await ask(PretendedModel(), asker_of(committed_world), in_thread=threads)

    def held() -> int:
        with tenant(committed_world.acme.id):
            return Reservation.objects.for_organization(committed_world.acme.id).count()

    assert await threads(held) == 0
    assert [call.outcome for call in await threads(calls_of, committed_world)] == [CallOutcome.ANSWERED]


def test_periods_begin_by_the_calendar_in_utc():
    moment = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)  # a Sunday
    assert BudgetPeriod.DAY.start_of(moment) == datetime(2026, 11, 22, tzinfo=UTC)
    assert BudgetPeriod.WEEK.start_of(moment) == datetime(2026, 11, 16, tzinfo=UTC)
    assert BudgetPeriod.MONTH.start_of(moment) == datetime(2026, 11, 1, tzinfo=UTC)
    assert BudgetPeriod.MONTH.end_of(moment) == datetime(2026, 12, 1, tzinfo=UTC)
    assert BudgetPeriod.EVER.end_of(moment) is None


def test_only_admins_set_budgets_and_nonsense_is_refused(world: World):
    for who in (world.lead, world.dev, world.viewer):
        with pytest.raises(NotAllowed):
            create_budget(who.actor, BudgetRequest("B", Decimal(1)))
    for bad in (
        BudgetRequest("B", Decimal(-1)),
        BudgetRequest("B", Decimal("NaN")),
        BudgetRequest("B", Decimal(1), period="year"),
        BudgetRequest("B", Decimal(1), scope="team"),
        BudgetRequest("B", Decimal(1), scope="team", scope_id=world.other_team.id),
        BudgetRequest("B", Decimal(1), alerts=[0]),
    ):
        with pytest.raises(BudgetInvalid):
            create_budget(world.admin.actor, bad)
    for name in ("", "\u200b", "\u202etegdub"):
        with pytest.raises(NameInvalid):
            create_budget(world.admin.actor, BudgetRequest(name, Decimal(1)))
    with pytest.raises(BudgetInvalid, match="Say by scope_id which team"):
        create_budget(world.admin.actor, BudgetRequest("B", Decimal(1), scope="team"))
    row = create_budget(world.admin.actor, BudgetRequest("B", Decimal(1)))
    drop_budget(world.admin.actor, row.id)
