# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Tools in real runs, and the list of them: real PostgreSQL, real Redis, a real flow worker, a server that counts."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from asgiref.sync import sync_to_async
from jsonschema import Draft202012Validator

from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.operations.live import follow_run
from codexos.kernel.schemas import schema_trouble
from rag.operations.files import store_file
from tests.agents.engine.stage import chain
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.fakes.searxng import serve_searxng
from tests.kernel.local_server import LocalServer, answer

CANARY = "canary-7f3a9c51e2"


@pytest.fixture
def server(settings: Any) -> Iterator[LocalServer]:
    """A server that flows may reach."""
    with LocalServer() as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


def asking(url: str, *, retry: int = 1, **arguments: Any) -> dict[str, Any]:
    """A flow of one request."""
    return dict(
        chain(
            {
                "id": "ask",
                "type": "tool",
                "tool": "HTTPRequest",
                "arguments": {"url": url, **arguments},
                "retry": {"attempts": retry},
            }
        )
    )


async def run(world: World, flow: dict[str, Any], **body: Any) -> dict[str, Any]:
    with working():
        answered = await run_agent(world.dev, {"agent_id": "a", "flow": flow, "input": "Go", **body})
    found: dict[str, Any] = answered.json()
    assert found["status"] in {"succeeded", "failed"}, found
    return found


async def test_a_flow_asks_a_server_once_and_ends_with_its_answer(committed_world: World, server: LocalServer) -> None:
    server.speech = lambda asked: [answer(b'{"bird": "kakapo"}', Content_Type="application/json")]
    found = await run(committed_world, asking(server.url("/birds"), query={"q": "{{ input }}"}))
    assert found["status"] == "succeeded"
    assert found["result"]["output"]["json"] == {"bird": "kakapo"}
    assert [asked.path for asked in server.asked] == ["/birds?q=Go"]


async def test_a_private_address_is_refused_unless_the_operator_allows_it(
    committed_world: World, server: LocalServer, settings: Any
) -> None:
    settings.EGRESS_ALLOW = ""
    found = await run(committed_world, asking(server.url()))
    assert (found["status"], found["error"]["code"]) == ("failed", "egress_refused")
    assert "CODEXOS_EGRESS_ALLOW" in found["error"]["message"]
    assert server.connections == 0


async def test_a_post_that_may_be_repeated_carries_one_key(committed_world: World, server: LocalServer) -> None:
    server.speech = lambda asked: [answer(status="503 Busy") if len(server.asked) == 1 else answer(b"done")]
    found = await run(committed_world, asking(server.url(), method="POST", json={}, idempotent=True, retry=3))
    assert found["status"] == "succeeded"
    first, second = (asked.headers["idempotency-key"] for asked in server.asked)
    assert first == second
    assert first.startswith(found["id"])


async def test_a_post_that_may_not_be_repeated_is_sent_once(committed_world: World, server: LocalServer) -> None:
    server.speech = lambda asked: [answer(status="503 Busy", Retry_After="1")]
    found = await run(committed_world, asking(server.url(), method="POST", json={}, retry=5))
    assert (found["status"], found["error"]["code"]) == ("failed", "tool_unavailable")
    assert len(server.asked) == 1


async def test_a_token_written_into_a_flow_shows_nowhere(
    committed_world: World, server: LocalServer, truth: psycopg.Connection
) -> None:
    server.speech = lambda asked: [answer(str(asked).encode(), Content_Type="text/plain")]
    secret = {"headers": {"Authorization": f"Bearer {CANARY}"}, "query": {"api_key": CANARY}, "json": {"token": CANARY}}
    found = await run(committed_world, asking(server.url(), method="POST", **secret))
    assert found["status"] == "succeeded"
    (asked,) = server.asked
    assert CANARY in asked.headers["authorization"]
    events = [event async for event in follow_run(committed_world.dev.actor, UUID(found["id"])) if event]
    kept = truth.execute("select delta from agents_journalentry").fetchall()
    assert "[redacted]" in json.dumps(events)
    assert CANARY not in json.dumps(events) + json.dumps(found) + str([bytes(row[0]) for row in kept])


async def test_an_error_that_repeats_a_token_does_not_show_it(
    committed_world: World, server: LocalServer, truth: psycopg.Connection
) -> None:
    server.speech = lambda asked: [answer(str(asked).encode(), status="401 No", Content_Type="text/plain")]
    found = await run(committed_world, asking(server.url(), headers={"X-Api-Key": CANARY}))
    kept = truth.execute("select delta from agents_journalentry").fetchall()
    assert found["error"]["code"] == "tool_failed"
    assert CANARY not in json.dumps(found) + str([bytes(row[0]) for row in kept])


async def test_a_run_searches_the_web_where_the_operator_has_set_where(committed_world: World, settings: Any) -> None:
    with serve_searxng() as instance:
        settings.SEARXNG_URL = instance.url
        found = await run(committed_world, dict(chain({"id": "search", "type": "tool", "tool": "WebSearch"})))
    assert found["result"]["output"]["results"][0]["title"] == "The kakapo"
    assert instance.asked == ["Go"]


def test_the_tools_are_listed_with_their_shapes_and_promises(world: World, api: Any) -> None:
    listed = api(world.viewer).get("/api/v1/tools/").json()
    by_name = {tool["name"]: tool for tool in listed["results"]}
    http, python, shell, search = (by_name[name] for name in ("HTTPRequest", "PythonExec", "Shell", "WebSearch"))
    assert (listed["next"], listed["previous"]) == (None, None)
    assert (http["name"], http["repeatable"], search["name"], search["repeatable"]) == (
        "HTTPRequest",
        "some",
        "WebSearch",
        "always",
    )
    assert [(tool["name"], tool["repeatable"], tool["capabilities"]) for tool in (python, shell)] == [
        ("PythonExec", "some", ["exec", "egress:*"]),
        ("Shell", "some", ["exec", "egress:*"]),
    ]
    assert http["capabilities"] == ["read", "write", "egress:*"]
    assert "CODEXOS_SEARXNG_URL" in search["note"]
    for tool in listed["results"]:
        assert tool["is_available"] is True
        for schema in (tool["arguments_schema"], tool["result_schema"]):
            Draft202012Validator.check_schema(schema)
            assert schema_trouble(schema) is None


@pytest.mark.parametrize(
    ("arguments", "touched"),
    [
        ({"url": "https://API.example.com/x"}, ("read", "egress:api.example.com")),
        ({"url": "http://a.example:8080?x=1", "method": "HEAD"}, ("read", "egress:a.example:8080")),
        ({"url": "https://a.example", "method": "POST"}, ("read", "write", "egress:a.example")),
        # what two readers could read differently may lead anywhere
        ({"url": "https://a.example\\@b.example/"}, ("read", "egress:*")),
        ({"url": "https://a.example@b.example/"}, ("read", "egress:*")),
        ({"url": "https://{{ vault.HOST }}/"}, ("read", "egress:*")),
        ({"url": "https://[2606:4700::1]/"}, ("read", "egress:*")),
        ({}, ("read", "egress:*")),
    ],
)
def test_a_request_says_which_host_it_reaches_and_whether_it_writes(
    arguments: dict[str, Any], touched: tuple[str, ...]
) -> None:
    spec = BuiltInToolbox(ToolRoom()).describe("HTTPRequest")
    assert spec.capabilities_of(arguments) == touched


def test_nobody_reads_the_tools(world: World, api: Any) -> None:
    assert api(None).get("/api/v1/tools/").status_code == 401


def test_local_only_is_said(world: World, api: Any, settings: Any) -> None:
    settings.EGRESS_LOCAL_ONLY = True
    notes = {tool["name"]: tool["note"] for tool in api(world.dev).get("/api/v1/tools/").json()["results"]}
    assert notes["HTTPRequest"].startswith("Local-only mode")
    assert notes["FileRead"] == ""


async def test_a_run_asks_what_its_project_keeps(committed_world: World) -> None:
    world = committed_world
    for path, text in (("birds/kakapo.md", "# Kakapo\n\nThe kakapo cannot fly."), ("cars.md", "Cars drive.")):
        await sync_to_async(store_file)(world.dev.actor, world.project.pk, path=path, chunks=[text.encode()])
    asked = {"id": "ask", "type": "tool", "tool": "RagQuery", "arguments": {"query": "Can a kakapo fly?", "top_k": 2}}
    found = await run(world, dict(chain(asked)))
    (best, *_) = found["result"]["output"]["results"]
    assert (best["citation"]["path"], best["source_type"]) == ("birds/kakapo.md", "file")
    assert "cannot fly" in best["text"]
    none = {**asked, "arguments": {"query": "Can a kakapo fly?", "filters": {"path": "cars*"}}}
    assert (await run(world, dict(chain(none))))["result"]["output"]["results"] == []
