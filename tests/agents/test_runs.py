# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run from the door to its end: real PostgreSQL, real Redis, a real flow worker."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.test import AsyncClient

from agents.engine.documents import parse_flow
from agents.engine.errors import GraphInvalid
from agents.operations.runs import RunRequest, start_run
from agents.workers.bell import WAKE_CHANNEL
from agents.workers.runs import FlowWorker
from tests.factories import Someone, World

BLUEPRINT: dict[str, Any] = {
    "id": "agent-1",
    "nodes": [
        {"id": "start", "type": "entry", "next": "planner"},
        {"id": "planner", "type": "llm", "model": "gpt-4", "next": "tool_selector"},
        {"id": "tool_selector", "type": "tool", "tool": "WebSearch", "next": "summarizer"},
        {"id": "summarizer", "type": "llm", "model": "claude-3-opus", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}


@contextmanager
def working(holder: str = "test") -> Iterator[FlowWorker]:
    """A flow worker in a thread of its own."""
    worker = FlowWorker(
        journal_url=settings.DATABASE_JOURNAL_URL,
        redis_url=settings.REDIS_URL,
        holder=holder,
        wake_channel=WAKE_CHANNEL,
    )
    loop = asyncio.new_event_loop()
    work = loop.create_task(worker.run())
    thread = Thread(target=_until_it_ends, args=[loop, work], daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        loop.call_soon_threadsafe(worker.stop)
        thread.join(20)
        # A step that hangs may outlast its patience: it is cut off, for a worker left behind would take the runs of the
        # tests to come.
        if thread.is_alive():
            loop.call_soon_threadsafe(work.cancel)
            thread.join(20)
        assert not thread.is_alive(), "the flow worker goes on"


def _until_it_ends(loop: asyncio.AbstractEventLoop, work: "asyncio.Task[None]") -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(work)
    loop.close()


async def run_agent(who: Someone | None, body: dict[str, Any], **headers: str) -> Any:
    """Knock at the short door."""
    if who is not None:
        headers["Authorization"] = f"Bearer {who.token}"
    return await AsyncClient().post("/agent/run", body, content_type="application/json", headers=headers)


async def test_the_blueprint_runs_to_its_end(committed_world: World, truth: psycopg.Connection) -> None:
    with working():
        answer = await run_agent(
            committed_world.dev, {"agent_id": "agent-1", "flow": BLUEPRINT, "input": "Plan a release."}
        )
    run = answer.json()
    assert answer.status_code == 200, run
    assert run["status"] == "succeeded"
    assert {line["node_id"] for line in run["logs"]} >= {"start", "planner", "tool_selector", "summarizer", "end"}
    seqs = [row[0] for row in truth.execute("select seq from agents_journalentry order by seq")]
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404), (None, 401)])
async def test_who_may_not_run(committed_world: World, truth: psycopg.Connection, who: str | None, status: int) -> None:
    body = {"agent_id": "a", "flow": BLUEPRINT, "project_id": str(committed_world.project.id)}
    answer = await run_agent(getattr(committed_world, who) if who else None, body)
    assert answer.status_code == status
    assert truth.execute("select count(*) from agents_run").fetchone() == (0,)


async def test_a_flow_with_a_tool_nobody_offers_starts_nothing(
    committed_world: World, truth: psycopg.Connection
) -> None:
    nodes = [{**node, "tool": "Websearch"} if node["type"] == "tool" else node for node in BLUEPRINT["nodes"]]
    answer = await run_agent(committed_world.dev, {"agent_id": "agent-1", "flow": {"id": "agent-1", "nodes": nodes}})
    assert (answer.status_code, answer.json()["code"]) == (422, "graph_invalid")
    assert "Did you mean 'WebSearch'?" in answer.json()["detail"]
    assert truth.execute("select count(*) from agents_run").fetchone() == (0,)


def test_a_flow_that_was_checked_a_moment_ago_is_not_checked_again(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[object] = []

    def noting(document: Any, **options: Any) -> Any:
        checked.append(document)
        return parse_flow(document, **options)

    monkeypatch.setattr("agents.operations.runs.parse_flow", noting)
    drawn: dict[str, Any] = {**BLUEPRINT, "id": "checked-once"}
    for text in ("one", "two"):
        start_run(committed_world.dev.actor, request=RunRequest(agent_id="a", document=drawn, input=text))
    assert checked == [drawn]
    # One with an error is refused each time.
    for _ in range(2):
        with pytest.raises(GraphInvalid):
            start_run(
                committed_world.dev.actor, request=RunRequest(agent_id="a", document={**drawn, "nodes": []}, input="x")
            )
    assert len(checked) == 3
