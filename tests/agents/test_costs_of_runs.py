# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What runs cost: bounded before anything is sent, counted once, and told where it was."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import LazySettings

from accounts.operations.organizations import change_organization
from agents.workers.ending import settle_runs
from llm.operations.budgets import BudgetRequest, create_budget
from llm.workers.mail import mail_budget_alert
from tests.agents.test_models import BODY
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.openai import KEY, Provider, serve_provider
from tests.llm.setting_up import connect, deploy, route
from vault.operations.secrets import Folder, put_secret

CANARY = "kept-canary-5Xw81mQz"


@pytest.fixture
def provider(settings: LazySettings) -> Iterator[Provider]:
    with serve_provider() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


def asking(**more: Any) -> dict[str, Any]:
    """Return the body of a run whose one step asks a model, with more settings of that step."""
    start, answer, end = BODY["flow"]["nodes"]  # type: ignore[index]
    return {**BODY, "flow": {"id": "asking", "nodes": [start, {**answer, **more}, end]}}


async def bound(world: World, limit: str, **more: Any) -> None:
    request = BudgetRequest("Everybody's", Decimal(limit), **more)
    await asyncio.to_thread(create_budget, world.admin.actor, request)


async def test_a_budget_of_nothing_fails_the_run_readably_and_nothing_is_sent(
    committed_world: World, provider: Provider
) -> None:
    await bound(committed_world, "0")
    with working():
        run = (await run_agent(committed_world.dev, BODY)).json()
        free = (await run_agent(committed_world.dev, asking(model="offline"))).json()
        caught = asking(on_error={"default": {"text": "There is no money left."}})
        mended = (await run_agent(committed_world.dev, caught)).json()
    assert run["status"] == "failed"
    told = " ".join(entry["message"] for entry in run["logs"])
    assert 'The budget "Everybody\'s" is reached: $0 of $0' in told
    assert "organization admin" in told
    assert (free["status"], mended["status"]) == ("succeeded", "succeeded")
    assert "no money left" in str(mended["result"]["output"])
    assert provider.asked == []


async def test_many_runs_at_once_go_over_a_budget_by_one_call_at_most(
    committed_world: World, truth: psycopg.Connection, provider: Provider
) -> None:
    # The provider says 42 tokens in and 7 out: $0.000175 a call.
    await bound(committed_world, "0.001")
    with working():
        answers = await asyncio.gather(*(run_agent(committed_world.dev, BODY) for _ in range(12)))
    statuses = [answer.json()["status"] for answer in answers]
    cost = Decimal("0.000175")
    (spent, reserved) = truth.execute("select spent_usd, reserved_usd from llm_budgetspan").fetchone() or (0, 0)
    assert statuses.count("succeeded") == len(provider.asked)
    assert spent == cost * len(provider.asked)
    assert Decimal("0.001") <= spent <= Decimal("0.001") + cost
    assert reserved == 0
    runs = [UUID(answer.json()["id"]) for answer in answers]
    await asyncio.to_thread(settle_runs, {committed_world.acme.id: runs})
    for sums in (
        "select sum(cost_usd) from llm_llmcall",
        "select sum(cost_usd) from accounts_usagerecord",
        "select sum(cost_usd) from agents_run",
    ):
        assert (truth.execute(sums).fetchone() or (0,))[0] == spent


async def test_a_step_that_caches_is_answered_without_the_provider(
    committed_world: World, truth: psycopg.Connection, provider: Provider
) -> None:
    with working():
        for _ in range(2):
            run = (await run_agent(committed_world.dev, asking(cache=True))).json()
            assert run["status"] == "succeeded", run
            assert run["result"]["output"] == "The lamp was lit in 1871."
    assert len(provider.asked) == 1
    calls = truth.execute("select outcome, cost_usd, saved_usd from llm_llmcall order by id").fetchall()
    assert calls == [
        ("answered", Decimal("0.000175"), Decimal(0)),
        ("cached", Decimal(0), Decimal("0.000175")),
    ]


async def test_what_a_secret_was_asked_with_is_kept_nowhere(
    committed_world: World, truth: psycopg.Connection, provider: Provider
) -> None:
    world = committed_world
    await asyncio.to_thread(change_organization, world.admin.actor, allows_secrets_in_prompts=True)
    folder = Folder(project=world.project)
    await asyncio.to_thread(put_secret, world.dev.actor, "gauge", CANARY.encode(), folder=folder)
    provider.will(words=("It is ", CANARY))
    with working():
        for _ in range(2):
            run = (await run_agent(world.dev, asking(cache=True, prompt="Say {{ vault.gauge }}."))).json()
            assert run["status"] == "succeeded", run
    assert len(provider.asked) == 2
    assert CANARY in str(provider.asked[0])
    assert truth.execute("select count(*) from llm_keptanswer").fetchone() == (0,)
    assert CANARY not in str(truth.execute("table llm_llmcall").fetchall())


async def test_people_are_written_to_when_so_much_is_spent(
    committed_world: World, truth: psycopg.Connection, provider: Provider, mailoutbox: list[Any]
) -> None:
    await bound(committed_world, "0.0002", alerts=[50])
    with working():
        await run_agent(committed_world.dev, BODY)
    (span,) = truth.execute("select id, alerted from llm_budgetspan").fetchall()
    assert span[1] == [50]
    await asyncio.to_thread(mail_budget_alert, committed_world.acme.id, span[0], percent=50)
    assert {mail.to[0] for mail in mailoutbox} == {"admin@acme.example", "system@acme.example"}
    assert "50 %" in mailoutbox[0].subject
    assert "$0.0002" in mailoutbox[0].body


async def own_models(world: World, near: Provider, far: Provider, *, far_kind: str, **more: Any) -> None:
    """Set up a route of Acme's from a paid server to another one."""

    def set_up() -> None:
        actor = world.admin.actor
        paid = connect(actor, near, name="Near", kind="openai")
        other = connect(actor, far, name="Far", kind=far_kind)
        route(actor, "both", [deploy(actor, paid, "near"), deploy(actor, other, "far")], **more)

    await asyncio.to_thread(set_up)


@pytest.fixture
def servers(settings: LazySettings) -> Iterator[tuple[Provider, Provider]]:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider(key="nKeyOfTheNear41") as near, serve_provider(key="fKeyOfTheFar29") as far:
        yield near, far


async def test_where_no_money_is_left_a_route_goes_on_to_what_is_free(
    committed_world: World, servers: tuple[Provider, Provider]
) -> None:
    await bound(committed_world, "0")
    await own_models(committed_world, *servers, far_kind="vllm")
    with working():
        run = (await run_agent(committed_world.dev, asking(model="both"))).json()
    assert run["status"] == "succeeded", run
    assert [len(server.asked) for server in servers] == [0, 1]


async def test_what_failed_on_its_way_and_what_was_outrun_is_part_of_what_a_run_cost(
    committed_world: World, truth: psycopg.Connection, servers: tuple[Provider, Provider]
) -> None:
    await own_models(committed_world, *servers, far_kind="openai", hedge_after_ms=[50])
    servers[0].will(never_begins=True)
    with working():
        run = (await run_agent(committed_world.dev, asking(model="both"))).json()
        assert run["status"] == "succeeded", run
        calls = []
        for _ in range(100):
            calls = truth.execute("select deployment, outcome, cost_usd > 0 from llm_llmcall order by 1").fetchall()
            if len(calls) == 2:
                break
            await asyncio.sleep(0.05)
    assert calls == [("far", "answered", True), ("near", "cut", True)]
    await asyncio.to_thread(settle_runs, {committed_world.acme.id: [UUID(run["id"])]})
    (cost,) = truth.execute("select cost_usd from agents_run").fetchone() or (0,)
    (sums,) = truth.execute("select sum(cost_usd) from llm_llmcall").fetchone() or (0,)
    assert cost == sums > Decimal("0.000175")
