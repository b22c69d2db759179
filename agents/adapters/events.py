# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The hot path of the live stream over Redis: the worker publishes, a hub in each web process fans out.

Truth is the journal; what travels here may be lost, and a reader who sees a gap reads the journal.
"""

import asyncio
import json
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from redis import asyncio as redis
from redis.exceptions import RedisError

from agents.engine.journal import Entry
from agents.engine.logs import log_line
from agents.engine.ports import Frame
from codexos.kernel.jsontypes import JsonObject, JsonValue

logger = logging.getLogger(__name__)

MOST_QUEUED_BYTES = 64 * 1024 * 1024
MOST_QUEUED_PER_WATCHER = 1_000
SUBSCRIBE_SECONDS = 5.0


def channel_of(run_id: UUID) -> str:
    """Return the Redis channel of one run."""
    return f"run:{run_id}"


def event_of(entry: Entry) -> dict[str, JsonValue]:
    """Say an entry as the event people see."""
    return {
        "seq": entry.seq,
        "type": entry.type,
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "node_id": entry.node_id,
        # The line of the log rides along, so that what is watched live reads as it does afterwards.
        "data": {"message": log_line(entry).message, **entry.data},
    }


class EventPublisher:
    """Sends events on their way without ever holding up a run."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)
        self._queued: deque[tuple[str, bytes]] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()

    def publish_entries(self, run_id: UUID, entries: Sequence[Entry]) -> None:
        """Tell of entries that are durable."""
        for entry in entries:
            self._put(run_id, event_of(entry))

    def publish_frame(self, run_id: UUID, frame: Frame) -> None:
        """Tell of something ephemeral."""
        self._put(run_id, {"type": frame.type, "node_id": frame.node_id, "data": frame.data})

    def _put(self, run_id: UUID, event: JsonObject) -> None:
        written = json.dumps(event, ensure_ascii=False, default=dict).encode("utf-8", "replace")
        self._queued.append((channel_of(run_id), written))
        self._queued_bytes += len(written)
        # While Redis is away the oldest are let go: whoever watches sees the gap and reads the journal.
        while self._queued_bytes > MOST_QUEUED_BYTES:
            self._queued_bytes -= len(self._queued.popleft()[1])
        self._wake.set()

    async def run(self) -> None:
        """Publish what is queued, for ever; Redis may come and go."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._queued, self._queued_bytes = self._queued, deque(), 0
            try:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for channel, event in batch:
                        pipeline.publish(channel, event)
                    await pipeline.execute()
            except (RedisError, OSError) as error:
                logger.warning("live events are delayed: Redis does not answer (%s)", error)
                await asyncio.sleep(1)

    async def close(self) -> None:
        """Hang up."""
        await self._redis.aclose()


class RunSink:
    """Keeps the engine's EventSink port for one run."""

    def __init__(self, publisher: EventPublisher, run_id: UUID) -> None:
        self._publisher = publisher
        self._run_id = run_id

    def emit(self, frame: Frame) -> None:
        """See the port."""
        self._publisher.publish_frame(self._run_id, frame)


class Hub:
    """One Redis connection of this process, shared by everybody in it who watches a run."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)
        self._pubsub = self._redis.pubsub()
        self._watchers: defaultdict[str, set[asyncio.Queue[bytes | None]]] = defaultdict(set)
        self._confirmed: dict[str, asyncio.Event] = {}
        self._reader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watch(self, run_id: UUID) -> AsyncIterator["asyncio.Queue[bytes | None]"]:
        """Give a queue of the run's events from now on; None in it says that some were lost.

        Redis has confirmed the subscription before this returns, so nothing published afterwards is missed. While it
        is away the queue stays empty: who watches reads the journal.
        """
        channel, queue = channel_of(run_id), asyncio.Queue[bytes | None](MOST_QUEUED_PER_WATCHER)
        self._watchers[channel].add(queue)
        try:
            await self._subscribe_if_possible(channel)
            yield queue
        finally:
            await self._leave(channel, queue)

    async def _subscribe_if_possible(self, channel: str) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await self._subscribe(channel)
        except (RedisError, OSError) as error:
            logger.warning("a run is followed by its journal alone: Redis does not answer (%s)", error)
            # The next who watches asks Redis again, and who waits with us waits no longer.
            if (confirmed := self._confirmed.pop(channel, None)) is not None:
                confirmed.set()

    async def _subscribe(self, channel: str) -> None:
        if channel not in self._confirmed:
            self._confirmed[channel] = asyncio.Event()
            await self._pubsub.subscribe(channel)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        confirmed = self._confirmed.get(channel)
        if confirmed is not None:
            await confirmed.wait()

    async def _leave(self, channel: str, queue: "asyncio.Queue[bytes | None]") -> None:
        self._watchers[channel].discard(queue)
        if not self._watchers[channel]:
            del self._watchers[channel]
            self._confirmed.pop(channel, None)
            with suppress(RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    async def _read(self) -> None:
        while self._watchers:
            try:
                message = await self._pubsub.get_message(timeout=30)
            except (RedisError, OSError):
                logger.warning("the live hub lost Redis; watchers resume from the journal")
                self._drop_everybody()
                # The next question connects anew, and subscribes to what is still watched.
                await asyncio.sleep(1)
                continue
            if message is not None:
                self._hand_out(message)

    def _hand_out(self, message: dict[str, bytes]) -> None:
        channel = message["channel"].decode()
        kind = str(message["type"])
        if kind == "subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()
        elif kind == "message":
            for queue in tuple(self._watchers.get(channel, ())):
                _put_or_drop(queue, message["data"])

    def _drop_everybody(self) -> None:
        for confirmed in self._confirmed.values():
            confirmed.set()
        self._confirmed.clear()
        for queues in self._watchers.values():
            for queue in queues:
                _put_or_drop(queue, None)


def _put_or_drop(queue: "asyncio.Queue[bytes | None]", event: bytes | None) -> None:
    if queue.full() or event is None:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)
    else:
        queue.put_nowait(event)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub_of_this_process(url: str) -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        for old in [known for known in _hubs if known.is_closed()]:
            del _hubs[old]
        _hubs[loop] = Hub(url)
    return _hubs[loop]
