# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""``POST /agent/run`` waits without holding a thread or a database connection, and keeps what is promised of writes."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from accounts.tenancy import tenant
from agents.models import Run
from tests.agents.live import Served, bearer, served
from tests.agents.test_runs import BLUEPRINT, working
from tests.factories import World

BODY = {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"}
WAITING = 100
HELD = "select count(*) from pg_stat_activity where usename = 'codexos_app' and state like 'idle in%%'"


async def call(product: Served, world: World, **headers: str) -> httpx.Response:
    return await product.http.post("/agent/run", json=BODY, headers={**bearer(world.dev), **headers})


async def accepted(world: World, wanted: int) -> None:
    """Wait until so many runs stand in the database."""

    def count() -> int:
        with tenant(world.acme.id):
            return Run.objects.for_organization(world.acme.id).count()

    for _ in range(600):
        if await asyncio.to_thread(count) == wanted:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the runs were not accepted")


async def test_a_hundred_wait_and_everybody_else_is_served(committed_world: World, truth: psycopg.Connection) -> None:
    async with served(threads=4) as product:
        product.http = httpx.AsyncClient(base_url=product.http.base_url, timeout=60, limits=httpx.Limits())
        waiting = [asyncio.create_task(call(product, committed_world)) for _ in range(WAITING)]
        await accepted(committed_world, WAITING)
        # while all of them wait, nobody works on their runs, and the four threads serve others
        for _ in range(20):
            answer = await product.http.get("/api/v1/runs/?limit=1", headers=bearer(committed_world.viewer))
            assert answer.status_code == 200
        assert not any(task.done() for task in waiting)
        assert truth.execute(HELD).fetchone() == (0,)
        with working():
            answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["status"] for answer in answers} == {"succeeded"}
    assert len({answer.json()["id"] for answer in answers}) == WAITING


async def test_who_waits_too_long_is_answered_as_it_stands(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.api.doors.WAIT_SECONDS", 0.2)
    async with served() as product:
        answer = await call(product, committed_world)
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    assert answer.headers["Location"] == f"/api/v1/runs/{answer.json()['id']}/"
    assert answer.headers["X-Request-ID"]
    assert "RateLimit" in answer.headers


async def test_who_is_in_haste_does_not_wait(committed_world: World) -> None:
    async with served() as product:
        answer = await call(product, committed_world, Prefer="respond-async")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


async def test_the_same_call_again_waits_for_the_same_run(committed_world: World, truth: psycopg.Connection) -> None:
    key = {"Idempotency-Key": "once"}
    async with served() as product:
        first = asyncio.create_task(call(product, committed_world, **key))
        await accepted(committed_world, 1)
        again = asyncio.create_task(call(product, committed_world, **key))
        other = await product.http.post(
            "/agent/run", json={**BODY, "input": "else"}, headers={**bearer(committed_world.dev), **key}
        )
        with working():
            answers: list[Any] = await asyncio.gather(first, again)
        kept = await call(product, committed_world, **key)
    assert [answer.status_code for answer in [*answers, kept]] == [200, 200, 200]
    assert len({answer.json()["id"] for answer in [*answers, kept]}) == 1
    assert kept.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) in {(422, "key_reused"), (409, "write_in_flight")}
    assert truth.execute("select count(*) from agents_run").fetchone() == (1,)


@pytest.mark.parametrize(
    ("who", "status"), [("viewer", 403), ("stranger", 404), (None, 401)], ids=["viewer", "stranger", "nobody"]
)
async def test_refusals_are_those_of_every_call(
    committed_world: World, truth: psycopg.Connection, who: str | None, status: int
) -> None:
    headers = bearer(getattr(committed_world, who)) if who else {}
    body = {**BODY, "project_id": str(committed_world.project.id)}
    async with served() as product:
        answer = await product.http.post("/agent/run", json=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert truth.execute("select count(*) from agents_run").fetchone() == (0,)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"agent_id": []}', b"\xff"])
async def test_bad_bodies_are_told_so(committed_world: World, body: bytes) -> None:
    headers = {**bearer(committed_world.dev), "Content-Type": "application/json"}
    async with served() as product:
        answer = await product.http.post("/agent/run", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_whoever_hangs_up_is_waited_for_no_more(committed_world: World) -> None:
    from agents.operations.live import _live_of_this_loop

    async with served() as product:
        leaving = asyncio.create_task(call(product, committed_world))
        await accepted(committed_world, 1)
        hub = _live_of_this_loop().hub
        await _until(lambda: len(hub._feeds) == 1)
        leaving.cancel()
        await _until(lambda: not hub._feeds)
        streaming = asyncio.create_task(product.sent_events(await _only_run(committed_world), committed_world.dev))
        await _until(lambda: len(hub._feeds) == 1)
        streaming.cancel()
        await _until(lambda: not hub._feeds)


async def _only_run(world: World) -> UUID:
    def find() -> UUID:
        with tenant(world.acme.id):
            return Run.objects.for_organization(world.acme.id).get().id

    return await asyncio.to_thread(find)


async def _until(condition: Any) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("what was waited for never came")
