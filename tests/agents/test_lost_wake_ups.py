# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every wake-up is lost: a worker's own look takes runs and post all the same."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.conf import settings

from agents.workers.runs import FlowWorker
from tests.agents.test_interventions import accept, call, waiting_run
from tests.agents.test_runs import BLUEPRINT
from tests.agents.test_worker import finished, until
from tests.durability.counting import CountingServer, chain
from tests.factories import World


@contextmanager
def deaf_worker() -> Iterator[FlowWorker]:
    """A flow worker that hears no NOTIFY and no Celery task; it has looked and found nothing when this begins."""
    worker = FlowWorker(
        journal_url=settings.DATABASE_JOURNAL_URL,
        redis_url=settings.REDIS_URL,
        holder="deaf",
        wake_channel="nobody_rings_here",
    )
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_until_complete, args=[worker.run()], daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        loop.call_soon_threadsafe(worker.stop)
        thread.join(20)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    """A server outside that does not answer before it is told to."""
    with CountingServer() as server:
        server.held.clear()
        monkeypatch.setattr(settings, "EGRESS_ALLOW", f"127.0.0.1:{server.port}")
        yield server
        server.held.set()


async def test_a_run_is_taken_by_the_workers_own_look(committed_world: World, truth: psycopg.Connection) -> None:
    with deaf_worker():
        run_id = await asyncio.to_thread(accept, committed_world.dev, BLUEPRINT)
        await finished(truth, run_id)
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)
    assert truth.execute("select distinct claimed_by from agents_run").fetchone() == ("deaf",)


async def test_a_decision_about_a_run_that_waits_is_read(committed_world: World, truth: psycopg.Connection) -> None:
    run_id = await waiting_run(committed_world, truth)
    body: dict[str, Any] = {"node_id": "post", "decision": "done", "result": {"status": 201}}
    with deaf_worker():
        assert (await call(committed_world.dev, f"/api/v1/runs/{run_id}/decide/", body)).status_code == 202
        await finished(truth, run_id)
    assert truth.execute("select status from agents_run").fetchone() == ("succeeded",)


async def test_a_cancel_in_the_middle_of_a_step_is_read(
    committed_world: World, truth: psycopg.Connection, outside: CountingServer
) -> None:
    with deaf_worker():
        run_id = await asyncio.to_thread(accept, committed_world.dev, chain(outside, "slow", steps=2))
        await asyncio.to_thread(outside.wait_until_asked, "slow", 1)
        assert (await call(committed_world.dev, f"/api/v1/runs/{run_id}/cancel/")).status_code == 202
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("cancelled",))
    assert outside.counts("slow") == {"step1": 1}
