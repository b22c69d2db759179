# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs that are answered by models of their organization: for whom they ask, the way it took, and no key anywhere."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings

from accounts.operations.organizations import change_organization
from agents.operations.travel import replay_run
from llm.models import LlmCall
from rag.operations.files import store_file
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.openai import Provider, serve_provider
from tests.llm.setting_up import connect, deploy, route
from tests.vault.gathering import Places, dump, listening, logging_as_served, read_redis

KEYS = ("qN3kCanaryNear81d7", "vR8zCanaryFar52b4")


def flow(model: str) -> dict[str, Any]:
    return {
        "id": "lamps",
        "nodes": [
            {"id": "start", "type": "entry", "next": "ask"},
            {"id": "ask", "type": "llm", "model": model, "prompt": "Who lit the lamp?", "next": "end"},
            {"id": "end", "type": "exit", "output": "{{ ask.text }}"},
        ],
    }


@pytest.fixture
def servers(settings: LazySettings) -> Iterator[tuple[Provider, Provider]]:
    settings.EGRESS_ALLOW = "127.0.0.1"
    with serve_provider(key=KEYS[0]) as near, serve_provider(key=KEYS[1]) as far:
        yield near, far


def two_ways(world: World, servers: tuple[Provider, Provider], **more: Any) -> None:
    actor = world.admin.actor
    names = ("Near", "Far")
    rows = [connect(actor, server, name=name) for name, server in zip(names, servers, strict=True)]
    made = [deploy(actor, row, row.name.lower()) for row in rows]
    route(actor, "fast", made, **more)


async def test_a_run_falls_back_and_neither_key_lies_about_anywhere(
    committed_world: World, truth: psycopg.Connection, servers: tuple[Provider, Provider]
) -> None:
    await asyncio.to_thread(two_ways, committed_world, servers)
    # A server that says back the key it was shown, and one that does so in the middle of a failure.
    servers[0].will(status=503, error={"message": f"Bearer {KEYS[0]} is too much for me", "type": "x"})
    servers[1].will(words=("The lamp ", "was lit ", "in 1871."))
    places = Places()
    with listening(places), logging_as_served() as log, working():
        answer = await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow("fast"), "input": "go"})
    run = answer.json()
    assert run["status"] == "succeeded", run
    assert "The lamp was lit in 1871." in answer.content.decode()
    places.add("answer", answer.content.decode())
    places.add("log", log.getvalue())
    dump(truth, places)
    read_redis(places)
    assert [places.leaks(key) for key in KEYS] == [{}, {}]
    journal = next(text for text in places.texts["database"] if '"attempts":' in text)
    assert '"route":"fast"' in journal
    assert "model_overloaded" in journal
    assert places.texts["log"][0]


async def test_a_call_is_counted_for_everybody_it_is_made_for(
    committed_world: World, truth: psycopg.Connection, servers: tuple[Provider, Provider]
) -> None:
    await asyncio.to_thread(two_ways, committed_world, servers)
    with working():
        await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow("near"), "input": "go"})
    (run_id,) = truth.execute("select id::text from agents_run").fetchone()  # type: ignore[misc]
    columns = "organization_id, team_id, project_id, person_id, run_id::text, node_id, deployment"
    world = committed_world
    assert truth.execute(f"select {columns} from {LlmCall._meta.db_table}").fetchall() == [  # noqa: S608 - our own words
        (world.acme.pk, world.team.pk, world.project.pk, world.dev.person.pk, run_id, "ask", "near")
    ]


async def test_a_run_whose_model_has_no_key_any_more_says_which(
    committed_world: World, truth: psycopg.Connection, servers: tuple[Provider, Provider]
) -> None:
    await asyncio.to_thread(two_ways, committed_world, servers)
    truth.execute("update vault_secret set destroyed_at = now(), gone_at = now() where key = 'near_key'")
    with working():
        answer = await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow("near"), "input": "go"})
    run = answer.json()
    assert run["status"] == "failed"
    assert run["error"]["code"] == "model_key_unusable"
    assert "'near_key'" in run["error"]["message"]
    assert servers[0].asked == []


async def test_the_runs_of_a_conversation_are_answered_at_one_place(
    committed_world: World, servers: tuple[Provider, Provider]
) -> None:
    await asyncio.to_thread(two_ways, committed_world, servers, is_sticky=True)
    with working():
        for conversation in ("tides", "lamps", "boats", "ropes", "nets", "sails"):
            before = [len(server.asked) for server in servers]
            for _ in range(2):
                body = {"agent_id": "a", "flow": flow("fast"), "input": "go", "conversation_id": conversation}
                assert (await run_agent(committed_world.dev, body)).json()["status"] == "succeeded"
            asked = [len(server.asked) - count for server, count in zip(servers, before, strict=True)]
            assert sorted(asked) == [0, 2]


async def test_where_no_substitutes_answer_the_organizations_own_names_are_known(
    committed_world: World, servers: tuple[Provider, Provider]
) -> None:
    await asyncio.to_thread(two_ways, committed_world, servers)
    admin = committed_world.admin.actor
    await asyncio.to_thread(change_organization, admin, admin.organization_id, allows_substitute_models=False)
    with working():
        good = await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow("fast"), "input": "go"})
        bad = await run_agent(committed_world.dev, {"agent_id": "a", "flow": flow("fsat"), "input": "go"})
    assert good.json()["status"] == "succeeded"
    assert (bad.status_code, bad.json()["code"]) == (422, "models_missing")


async def test_a_replay_reads_as_much_of_the_documents_as_the_run_did(
    committed_world: World, truth: psycopg.Connection, servers: tuple[Provider, Provider]
) -> None:
    def prepare() -> None:
        provider = connect(committed_world.admin.actor, servers[0])
        deploy(committed_world.admin.actor, provider, "small", context_tokens=1_000)
        store_file(committed_world.dev.actor, committed_world.project.id, path="long.md", chunks=[b"A lamp. " * 2_000])

    await asyncio.to_thread(prepare)
    with working():
        body = {"agent_id": "a", "flow": flow("small"), "input": "go", "context": ["long.md"]}
        assert (await run_agent(committed_world.dev, body)).json()["status"] == "succeeded"
    (run_id,) = truth.execute("select id::text from agents_run").fetchone()  # type: ignore[misc]
    replayed = await asyncio.to_thread(replay_run, committed_world.dev.actor, run_id)
    assert replayed.is_identical, replayed
