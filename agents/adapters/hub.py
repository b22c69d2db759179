# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The hub of a web process: one Redis connection hears the runs that are watched here and fans out to who watches.

Redis forgets what nobody hears, so the hub trusts it with speed and with nothing else. Every run that was silent for a
while is asked how far it has come; who is behind is sent to read the journal, who is not hears a heartbeat with the
newest seq.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any
from uuid import UUID

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from agents.adapters.events import FINISHED, LiveEvent, channel_of, end_if_cancelled, live_event, unpacked
from agents.adapters.watchers import Watcher
from agents.queries.live import RunHead

logger = logging.getLogger(__name__)

SUBSCRIBE_SECONDS = 5.0
HEARTBEAT_SECONDS = 15.0
AWAY_SECONDS = 1.0
"""How often runs are asked how far they have come while Redis is away, and how often Redis is tried again."""
TICK_SECONDS = 3.0
"""How often runs are looked for that are due: seldom, so that one question asks for many of them."""
DEAF_SECONDS = 25.0
MOST_CHANNELS_AT_ONCE = 500

ReadHeads = Callable[[Sequence[tuple[UUID, UUID]]], Awaitable[Mapping[UUID, RunHead]]]


class Feed:
    """One run that is watched in this process."""

    __slots__ = ("channel", "confirmed", "due_at", "finished", "key", "newest", "watchers")

    def __init__(self, organization_id: UUID, run_id: UUID, *, due_at: float) -> None:
        self.key = (organization_id, run_id)
        self.channel = channel_of(run_id).encode()
        self.watchers: set[Watcher] = set()
        self.confirmed = asyncio.Event()
        self.finished = asyncio.Event()
        self.newest = 0
        self.due_at = due_at

    def hand_out(self, event: LiveEvent) -> None:
        """Give everybody an event."""
        if event.seq is not None:
            self.newest = max(self.newest, event.seq)
            if event.type == FINISHED:
                self.finished.set()
        for watcher in self.watchers:
            watcher.take(event)

    def compare(self, head: RunHead) -> None:
        """Send who is behind to the journal; tell the others how far the run has come."""
        self.newest = max(self.newest, head.last_seq)
        if head.is_finished:
            self.finished.set()
        heartbeat = live_event({"type": "heartbeat", "seq": self.newest})
        for watcher in self.watchers:
            if head.is_finished or watcher.newest < head.last_seq:
                watcher.fall_behind()
            else:
                watcher.take(heartbeat)


class Hub:
    """What one event loop hears of live runs."""

    def __init__(self, url: str, *, read_heads: ReadHeads) -> None:
        self._pool = ConnectionPool.from_url(url, protocol=2, socket_connect_timeout=SUBSCRIBE_SECONDS)
        self._read_heads = read_heads
        self._feeds: dict[bytes, Feed] = {}
        self._asked: set[bytes] = set()
        self._confirmed: set[bytes] = set()
        self._changed = asyncio.Event()
        self._is_away = False
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, organization_id: UUID, run_id: UUID) -> tuple[Feed, Watcher]:
        """Begin to watch a run; whoever joins must leave.

        Redis has confirmed the subscription before this returns, so that nothing published afterwards is missed; while
        Redis is away the journal alone is followed.
        """
        feed, watcher = self._feed(organization_id, run_id), Watcher()
        feed.watchers.add(watcher)
        try:
            if not self._is_away:
                async with asyncio.timeout(SUBSCRIBE_SECONDS):
                    await feed.confirmed.wait()
        except TimeoutError:
            logger.warning("run %s is followed by its journal: Redis has not confirmed in time", run_id)
        except BaseException:
            self.leave(feed, watcher)
            raise
        return feed, watcher

    def leave(self, feed: Feed, watcher: Watcher) -> None:
        """Watch no longer."""
        feed.watchers.discard(watcher)
        if not feed.watchers and self._feeds.get(feed.channel) is feed:
            del self._feeds[feed.channel]
            self._changed.set()

    def _feed(self, organization_id: UUID, run_id: UUID) -> Feed:
        channel = channel_of(run_id).encode()
        if channel not in self._feeds:
            due_at = asyncio.get_running_loop().time() + HEARTBEAT_SECONDS
            self._feeds[channel] = Feed(organization_id, run_id, due_at=due_at)
            if channel in self._confirmed:  # somebody left just now, and Redis was not told yet
                self._feeds[channel].confirmed.set()
            self._changed.set()
        if not self._tasks or any(task.done() for task in self._tasks):
            self._tasks = [asyncio.create_task(step()) for step in (self._listen, self._look)]
        return self._feeds[channel]

    async def _listen(self) -> None:
        """Hear Redis, for ever; it may come and go."""
        while True:
            end_if_cancelled()
            connection: Any = self._pool.make_connection()  # type: ignore[no-untyped-call]
            try:
                await connection.connect()
                await self._serve(connection)
            except (RedisError, OSError, TimeoutError) as error:
                if not self._is_away:
                    logger.warning("runs are followed by their journals alone: Redis does not answer (%s)", error)
                self._lose()
                await asyncio.sleep(AWAY_SECONDS)
            finally:
                with suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)

    def _lose(self) -> None:
        """Wait for nobody's confirmation, and ask each run soon how far it has come."""
        self._is_away = True
        now = asyncio.get_running_loop().time()
        for feed in self._feeds.values():
            feed.due_at = now
            feed.confirmed.set()

    async def _serve(self, connection: Any) -> None:
        self._asked.clear()
        self._confirmed.clear()
        self._changed.set()
        asking = asyncio.create_task(self._ask(connection))
        try:
            while True:
                async with asyncio.timeout(DEAF_SECONDS):
                    message = await connection.read_response(disable_decoding=True, timeout=math.inf)
                self._hear(message)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _ask(self, connection: Any) -> None:
        """Keep what Redis sends equal to what is watched; a sign of life goes out where nothing else does."""
        while True:
            await connection.send_command("PING", check_health=False)
            with suppress(TimeoutError):
                async with asyncio.timeout(DEAF_SECONDS / 3):
                    await self._changed.wait()
            self._changed.clear()
            await self._tell(connection, "SUBSCRIBE", self._feeds.keys() - self._asked)
            await self._tell(connection, "UNSUBSCRIBE", self._asked - self._feeds.keys())

    async def _tell(self, connection: Any, word: str, channels: Set[bytes]) -> None:
        listed = list(channels)
        self._asked ^= channels
        self._confirmed -= channels
        for start in range(0, len(listed), MOST_CHANNELS_AT_ONCE):
            await connection.send_command(word, *listed[start : start + MOST_CHANNELS_AT_ONCE], check_health=False)

    def _hear(self, message: Any) -> None:
        if not isinstance(message, list) or len(message) != 3:
            self._is_away = False
            return
        kind, channel, data = message
        feed, now = self._feeds.get(channel), asyncio.get_running_loop().time()
        if kind == b"subscribe":
            self._confirmed.add(channel)
        if feed is None:
            return
        if kind == b"subscribe":
            # Confirmed before: it was lost, and what was said meanwhile with it.
            feed.due_at = now if feed.confirmed.is_set() else feed.due_at
            feed.confirmed.set()
        elif kind == b"message":
            feed.due_at = now + HEARTBEAT_SECONDS
            feed.hand_out(unpacked(data))

    async def _look(self) -> None:
        """Ask the runs that were silent how far they have come, for ever."""
        while True:
            await asyncio.sleep(AWAY_SECONDS if self._is_away else min(TICK_SECONDS, HEARTBEAT_SECONDS))
            now = asyncio.get_running_loop().time()
            due = [feed for feed in self._feeds.values() if feed.due_at <= now]
            if due:
                for feed in due:
                    feed.due_at = now + (AWAY_SECONDS if self._is_away else HEARTBEAT_SECONDS)
                await self._look_at(due)

    async def _look_at(self, feeds: Sequence[Feed]) -> None:
        try:
            heads = await self._read_heads([feed.key for feed in feeds])
        except Exception:
            # Whatever it is, the next look may succeed, and without it a lost event would stay lost.
            logger.warning("watched runs could not be asked how far they have come", exc_info=True)
            return
        for feed in feeds:
            head = heads.get(feed.key[1])
            if head is not None:
                feed.compare(head)
