# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run followed live over real sockets: nothing is lost and nothing comes twice, whatever happens on the way."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest
from django.conf import settings as configured

from agents.consumers import MOST_MESSAGES
from codexos.local.redis import free_port, program
from tests.agents.live import Event, Served, everything, seqs, served, take, writing_down
from tests.agents.test_runs import BLUEPRINT, run_agent, working
from tests.agents.test_worker import accept
from tests.factories import World

RUN = {"agent_id": "a", "flow": BLUEPRINT, "input": "Go"}


@pytest.fixture
async def product(committed_world: World) -> AsyncIterator[Served]:
    """The product on a port of its own."""
    async with served() as product:
        yield product


@pytest.fixture
async def run_id(committed_world: World) -> UUID:
    """A run that was accepted and that nobody has taken yet."""
    return await asyncio.to_thread(accept, committed_world.dev)


async def test_socket_and_sent_events_tell_what_the_journal_says(
    committed_world: World, product: Served, run_id: UUID, truth: psycopg.Connection
) -> None:
    async def watch_socket() -> list[Event]:
        async with product.socket(run_id, committed_world.viewer) as line:
            events = await everything(line)
            assert (line.close_code, line.close_reason) == (1000, "")
            return events

    watching = [
        asyncio.create_task(watch_socket()),
        asyncio.create_task(product.sent_events(run_id, committed_world.dev)),
    ]
    with working():
        over_socket, over_http = await asyncio.gather(*watching)
    rows = truth.execute("select seq, type, node_id from agents_journalentry order by seq").fetchall()
    assert [(e["seq"], e["type"], e["node_id"]) for e in over_socket] == rows
    assert [event for event in over_http if "seq" in event] == over_socket
    assert seqs(over_socket) == list(range(1, len(rows) + 1))
    assert over_socket[-1]["type"] == "run.finished"
    assert set(over_socket[0]) == {"seq", "type", "at", "node_id", "data"}


async def test_coming_back_at_any_seq_loses_and_repeats_nothing(committed_world: World, product: Served) -> None:
    with working():
        run = (await run_agent(committed_world.dev, RUN)).json()
    async with product.socket(run["id"], committed_world.dev) as line:
        whole = await everything(line)
    assert len(whole) > 10
    for after in range(len(whole) + 2):
        async with product.socket(run["id"], committed_world.dev, after=after) as line:
            assert await everything(line) == whole[after:]
        sent = await product.sent_events(run["id"], committed_world.dev, **{"Last-Event-ID": str(after)})
        assert sent == whole[after:]


@pytest.mark.parametrize("seed", range(5))
async def test_lines_cut_at_random_while_the_run_goes_on(
    committed_world: World, product: Served, run_id: UUID, seed: int
) -> None:
    dice = random.Random(seed)
    seen: list[int] = []

    async def follow() -> None:
        while True:
            async with product.socket(run_id, committed_world.dev, after=seen[-1] if seen else 0) as line:
                patience = dice.randrange(1, 12)
                async for text in line:
                    event = json.loads(text)
                    seen.extend(seqs([event]))
                    if event["type"] == "run.finished":
                        return
                    patience -= 1
                    if not patience:
                        line.transport.abort()  # without a word, as a closed laptop does
                        break

    following = asyncio.create_task(follow())
    async with writing_down(run_id) as scribe:
        for number in range(60):
            # Now and then an entry's event is lost on its way.
            await scribe.write(text=str(number), is_told=dice.random() > 0.1)
            await asyncio.sleep(dice.random() * 0.01)
        await scribe.finish()
        await asyncio.wait_for(following, 20)
    assert seen == list(range(1, 62))


async def test_a_heartbeat_fills_what_was_lost_on_the_way(
    committed_world: World, product: Served, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.adapters.hub.HEARTBEAT_SECONDS", 0.1)
    async with writing_down(run_id) as scribe, product.socket(run_id, committed_world.dev) as line:
        await scribe.write(text="told")
        first = await take(line, until="heartbeat")
        await scribe.write(text="lost", is_told=False)
        filled = await take(line, until="note")
        last = await take(line, until="heartbeat")
    assert seqs(first) == [1]
    assert first[-1] == {"type": "heartbeat", "seq": 1}
    assert filled[-1]["data"]["text"] == "lost"
    assert last[-1] == {"type": "heartbeat", "seq": 2}


async def test_a_lost_end_ends_all_the_same(
    committed_world: World, product: Served, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.adapters.hub.HEARTBEAT_SECONDS", 0.1)
    async with writing_down(run_id) as scribe, product.socket(run_id, committed_world.dev) as line:
        await scribe.write(text="one")
        await take(line, until="heartbeat")
        await scribe.write("run.finished", is_told=False, status="succeeded", usage={})
        assert [event["type"] for event in await everything(line)] == ["run.finished"]
        assert line.close_code == 1000


async def test_redis_goes_and_comes_back_while_a_run_is_followed(
    committed_world: World, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.adapters.hub.AWAY_SECONDS", 0.1)
    own = OwnRedis()
    monkeypatch.setattr(configured, "REDIS_URL", f"redis://127.0.0.1:{own.port}/0")
    await own.start()
    async with (
        served() as product,
        writing_down(run_id) as scribe,
        product.socket(run_id, committed_world.dev) as line,
    ):
        await scribe.write(text="with")
        events = await take(line, until="note")
        await own.stop()
        await scribe.write(text="without")
        events += await take(line, until="note")
        await own.start()
        await scribe.write(text="again")
        events += await take(line, until="note")
        await scribe.finish()
        events += await everything(line)
    await own.stop()
    assert seqs(events) == [1, 2, 3, 4]


async def test_a_slow_client_is_told_to_come_back_and_loses_nothing(
    committed_world: World, product: Served, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.adapters.watchers.MOST_QUEUED", 20)
    async with writing_down(run_id) as scribe:
        # given a client that takes nothing, until its side of the line and the server's are full
        async with product.socket(run_id, committed_world.dev, max_queue=1) as slow:
            await scribe.write(text="first")
            events = await take(slow, until="note")
            for _ in range(120):
                await scribe.write(text="x" * 200_000)
            await scribe.finish()
            # when it reads on
            events += await everything(slow)
        # then
        assert slow.close_code == 4408
        assert 1 < len(events) < scribe.seq
        async with product.socket(run_id, committed_world.dev, after=seqs(events)[-1]) as line:
            events += await everything(line)
    assert seqs(events) == list(range(1, scribe.seq + 1))


async def test_a_client_that_talks_too_much_is_closed(committed_world: World, product: Served, run_id: UUID) -> None:
    async with product.socket(run_id, committed_world.dev) as line:
        for _ in range(MOST_MESSAGES + 2):
            await line.send("hello")
        await line.wait_closed()
    assert line.close_code == 1008


async def test_a_few_words_of_a_client_are_ignored(committed_world: World, product: Served, run_id: UUID) -> None:
    async with writing_down(run_id) as scribe, product.socket(run_id, committed_world.dev) as line:
        for word in ("hello", "{}", b"\x00"):
            await line.send(word)
        await scribe.finish()
        assert seqs(await everything(line)) == [1]


async def test_a_word_too_long_ends_the_line(committed_world: World, product: Served, run_id: UUID) -> None:
    async with product.socket(run_id, committed_world.dev) as line:
        await line.send("x" * 5000)
        await line.wait_closed()
    assert line.close_code == 1009


async def test_a_stream_ends_after_its_time_and_goes_on_where_it_was(
    committed_world: World, product: Served, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.consumers.FOLLOW_SECONDS", 0.3)
    async with writing_down(run_id) as scribe:
        async with product.socket(run_id, committed_world.dev) as line:
            await scribe.write(text="one")
            events = await everything(line)
        assert line.close_code == 1001
        await scribe.finish()
        async with product.socket(run_id, committed_world.dev, after=seqs(events)[-1]) as line:
            events += await everything(line)
    assert seqs(events) == [1, 2]


async def test_whoever_leaves_is_watched_for_no_more(committed_world: World, product: Served, run_id: UUID) -> None:
    from agents.operations.live import _live_of_this_loop

    hub = _live_of_this_loop().hub
    async with product.socket(run_id, committed_world.dev) as line, writing_down(run_id) as scribe:
        await scribe.write(text="one")
        await take(line, until="note")
        assert len(hub._feeds) == 1
    for _ in range(500):
        if not hub._feeds:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the hub still watches for nobody")


class OwnRedis:
    """A Redis of the test's own, which comes and goes."""

    def __init__(self) -> None:
        self.port = free_port()
        self._words = [str(program()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(*self._words, stdout=asyncio.subprocess.DEVNULL)
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._process.kill()
        await self._process.wait()
