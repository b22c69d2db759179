# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs while something underneath is away: the database, Redis, the broker, or the one who watches too late."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerAway

from agents.operations.live import follow_run
from agents.operations.runs import RunRequest, start_run
from agents.tasks import wake_flow_workers
from agents.workers.ending import settle_runs
from agents.workers.loading import load_runs, read_documents
from agents.workers.settling import Settler
from rag.operations.files import store_file
from tests.agents.test_runs import BLUEPRINT, run_agent, working
from tests.agents.test_worker import accept, entry, finished, writer, writing
from tests.factories import Someone, World

NOBODY_THERE = "redis://127.0.0.1:1/0"


async def follow(who: Someone, run_id: UUID, *, after: int = 0) -> list[str]:
    events = follow_run(who.actor, run_id, after=after)
    return [event.type async for event in events if event.type != "heartbeat"]


async def test_a_database_that_hiccups_does_not_fail_a_run(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [OperationalError("server closed the connection unexpectedly")]

    def hiccup(*words: Any, **options: Any) -> Any:
        if answers:
            raise answers.pop()
        return load_runs(*words, **options)

    monkeypatch.setattr("agents.workers.runs.load_runs", hiccup)
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    with working():
        await finished(truth, run_id)
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)


async def test_large_runs_wait_for_room(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []

    def noting(what: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*words: Any, **options: Any) -> Any:
            happened.append(what)
            return do(*words, **options)

        return noted

    def accept_three() -> list[UUID]:
        store_file(committed_world.dev.actor, committed_world.project.id, path="big.md", chunks=[b"word " * 100])
        asked = RunRequest(agent_id="a", document=BLUEPRINT, input="Go", context=["big.md"])
        return [start_run(committed_world.dev.actor, request=asked).id for _ in range(3)]

    monkeypatch.setattr("agents.workers.runs.MOST_TEXT_BYTES", 600)
    monkeypatch.setattr("agents.workers.runs.read_documents", noting("read", read_documents))
    monkeypatch.setattr(Settler, "tell", noting("ended", Settler.tell))
    run_ids = await asyncio.to_thread(accept_three)
    with working():
        for run_id in run_ids:
            await finished(truth, run_id)
    assert happened[:5] == ["read", "ended", "read", "ended", "read"]


async def test_a_run_given_up_still_tells_what_it_cost(committed_world: World, truth: psycopg.Connection) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    lost = writer("lost")
    (claim,) = await lost.claim(1)
    paid = {"result": {}, "usage": {"input_tokens": 900, "output_tokens": 100, "cost_usd": 0.5}}
    await writing(lost, lost.append(claim, [entry(1, "step.done", **paid), entry(2, "step.intended", estimate={})]))
    truth.execute("update agents_run set claimed_until = now() - interval '1 second', epoch = 50")
    with working():
        await finished(truth, run_id)
    told = truth.execute("select status, input_tokens, output_tokens, cost_usd::float from agents_run").fetchone()
    assert told == ("failed", 900, 100, 0.5)


async def test_an_entry_that_cannot_be_written_keeps_nobody_waiting(committed_world: World) -> None:
    await asyncio.to_thread(accept, committed_world.dev)
    await asyncio.to_thread(accept, committed_world.dev)
    shared = writer()
    good, bad = await shared.claim(2)
    unwritable = entry(1, "note", thing=object())
    steps = writing(shared, shared.append(good, [entry(1)]), shared.append(bad, [unwritable]))
    answers = await asyncio.wait_for(steps, 8)
    assert answers[0] is None
    assert isinstance(answers[1], TypeError)


async def test_without_redis_a_run_is_accepted_done_and_answered(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", NOBODY_THERE)
    with working():
        answer = await run_agent(committed_world.dev, {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"})
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


def test_without_a_broker_a_run_is_accepted(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_words: Any, **_options: Any) -> None:
        raise BrokerAway("nobody there")

    monkeypatch.setattr(wake_flow_workers, "apply_async", away)
    accept(committed_world.dev)
    assert truth.execute("select status from agents_run").fetchall() == [("queued",)]


async def test_whoever_comes_after_the_end_is_not_kept_waiting(committed_world: World) -> None:
    with working():
        run = (await run_agent(committed_world.dev, {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"})).json()
    seen_all = follow(committed_world.dev, UUID(run["id"]), after=len(run["logs"]))
    assert await asyncio.wait_for(seen_all, 4) == []


async def test_a_follower_whose_line_to_redis_is_cut_hears_live_again(
    committed_world: World, truth: psycopg.Connection
) -> None:
    run_id = await asyncio.to_thread(accept, committed_world.dev)
    follower = asyncio.create_task(follow(committed_world.dev, run_id))
    await asyncio.sleep(0.5)
    redis.Redis.from_url(settings.REDIS_URL).client_kill_filter(_type="pubsub")
    await asyncio.sleep(1.5)
    with working():
        await finished(truth, run_id)
        # Sooner than the journal is looked at in a silence.
        assert (await asyncio.wait_for(follower, 2))[-1] == "run.finished"


async def test_a_run_that_cannot_be_read_holds_up_none_that_was_claimed_with_it(
    committed_world: World, truth: psycopg.Connection
) -> None:
    broken, whole = [await asyncio.to_thread(accept, committed_world.dev) for _ in range(2)]
    truth.execute("""update agents_run set document = '{"nodes": "none"}' where id = %s""", [broken])
    with working():
        await finished(truth, broken)
        await finished(truth, whole)
    found = truth.execute("select status from agents_run order by id").fetchall()
    assert found == [("failed",), ("succeeded",)]


async def test_runs_that_several_settle_at_the_same_time_are_metered_once(
    committed_world: World, truth: psycopg.Connection
) -> None:
    run_ids = [await asyncio.to_thread(accept, committed_world.dev) for _ in range(2)]
    truth.execute("update agents_run set status = 'succeeded', completed_at = now(), input_tokens = 7")
    ended = {committed_world.acme.id: run_ids}
    await asyncio.gather(*(asyncio.to_thread(settle_runs, ended) for _ in range(3)))
    assert truth.execute("select quantity from accounts_usagerecord").fetchall() == [(7,), (7,)]
    news = truth.execute("select count(*) from accounts_outboxevent where name = 'run.finished'").fetchone()
    assert news == (2,)
