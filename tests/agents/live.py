# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What tests of the live stream share: the product on a real port, a run written entry by entry, and who follows it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import uvicorn
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from agents.adapters.claims import Claim
from agents.adapters.events import EventPublisher
from agents.adapters.journal_writer import JournalWriter
from agents.engine.journal import Entry
from codexos.asgi import serve, threaded
from codexos.bodies import App
from codexos.kernel import clock
from tests.factories import Someone

THREADS = 4
Event = dict[str, Any]


class Served:
    """The product at an address, with few threads, so that whoever kept one would be noticed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, limits=httpx.Limits())

    def socket(
        self, run_id: object, who: Someone | str | None = None, /, *, max_queue: int | None = None, **query: object
    ) -> connect:
        """Return a socket to a run, to be entered; ``who`` comes with their token as a header.

        With ``max_queue`` the client stops reading its line while it holds so many messages.
        """
        token = who.token if isinstance(who, Someone) else who
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"ws://127.0.0.1:{self.port}/ws/runs/{run_id}/?{urlencode(query)}"
        return connect(address, additional_headers=headers, compression=None, max_queue=max_queue)

    async def ticket(self, run_id: object, who: Someone) -> str:
        """Return a ticket."""
        answer = await self.http.post(f"/api/v1/runs/{run_id}/ticket/", headers=bearer(who))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])

    async def sent_events(self, run_id: object, who: Someone, **headers: str) -> list[Event]:
        """Return what server-sent events give until their end."""
        answer = await self.http.get(f"/api/v1/runs/{run_id}/events", headers={**bearer(who), **headers})
        assert answer.status_code == 200, answer.text
        return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


def bearer(who: Someone) -> dict[str, str]:
    return {"Authorization": f"Bearer {who.token}"}


@asynccontextmanager
async def served(*, threads: int = THREADS, around: Callable[[App], App] = lambda app: app) -> AsyncIterator[Served]:
    """Serve the product in this event loop, as bin/up does, with something ``around`` it where a test needs that."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            around(serve(threaded(threads))),
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=4096,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server._serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        product = Served(listener.getsockname()[1])
        try:
            yield product
        finally:
            await product.http.aclose()
            server.should_exit = True
            await serving


async def take(line: ClientConnection, *, until: str = "run.finished") -> list[Event]:
    """Return the events that come up to and with one of a type."""
    events: list[Event] = []
    while not events or events[-1]["type"] != until:
        events.append(json.loads(await asyncio.wait_for(line.recv(), 20)))
    return events


async def everything(line: ClientConnection) -> list[Event]:
    """Return the events with a seq that come until the socket is closed."""
    events = []
    with suppress(ConnectionClosedError):  # a close that is not 1000 is told by its code
        async for text in line:
            events.append(json.loads(text))
    return [event for event in events if "seq" in event and event["type"] != "heartbeat"]


class Scribe:
    """Holds a run as a flow worker does, and writes what the test says."""

    def __init__(self, writer: JournalWriter, publisher: EventPublisher, claim: Claim) -> None:
        self._writer = writer
        self._publisher = publisher
        self._claim = claim
        self.seq = 0

    async def write(self, kind: Any = "note", *, is_told: bool = True, **data: Any) -> None:
        """Append one entry, and tell of it, or have it lost on the way."""
        self.seq += 1
        entry = Entry(self.seq, kind, clock.now(), None, 0, self._claim.epoch, data)
        await self._writer.append(self._claim, [entry])
        if is_told:
            self._publisher.publish_entries(self._claim.run_id, [entry])

    async def finish(self) -> None:
        """End the run."""
        await self.write("run.finished", status="succeeded", output="done", citations=[], usage={})


@asynccontextmanager
async def writing_down(run_id: UUID) -> AsyncIterator[Scribe]:
    """Claim a run, which is the only one, and write it by hand."""
    writer, publisher = (
        JournalWriter(settings.DATABASE_JOURNAL_URL, holder="scribe"),
        EventPublisher(settings.REDIS_URL),
    )
    (claim,) = await writer.claim(1)
    assert claim.run_id == run_id
    loops = [asyncio.create_task(writer.run()), asyncio.create_task(publisher.run())]
    try:
        yield Scribe(writer, publisher, claim)
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await writer.close()
        await publisher.close()


def seqs(events: list[Event]) -> list[int]:
    return [int(event["seq"]) for event in events if "seq" in event and event["type"] != "heartbeat"]
