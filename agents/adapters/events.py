# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Live events on their way: what they look like, and the worker that publishes them; see hub.py for who hears them.

Truth is the journal; what travels here may be lost, and a reader who sees a gap reads the journal.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from redis import asyncio as redis
from redis.exceptions import RedisError

from agents.engine.journal import Entry
from agents.engine.logs import log_line
from agents.engine.ports import Frame
from agents.engine.thinning import Thin
from codexos.kernel.jsontypes import JsonObject

logger = logging.getLogger(__name__)

MOST_QUEUED_BYTES = 64 * 1024 * 1024
MOST_EVENTS_AT_ONCE = 1000
GATHER_SECONDS = 0.008
FINISHED = "run.finished"
IN_THE_JOURNAL = ""
"""The text of an event whose large values do not travel: whoever hears it reads the journal."""

# One command and one answer for all of them.
_PUBLISH_ALL = "for i = 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode


class LiveEvent(NamedTuple):
    """One event as it goes out: written once, however many watch. Ephemeral ones have no seq."""

    seq: int | None
    type: str
    text: str


def channel_of(run_id: UUID) -> str:
    """Return the Redis channel of one run."""
    return f"run:{run_id}"


def event_of(entry: Entry) -> JsonObject:
    """Say an entry as the event people see."""
    return {
        "seq": entry.seq,
        "type": entry.type,
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "node_id": entry.node_id,
        # The line of the log rides along, so that what is watched live reads as it does afterwards.
        "data": {"message": log_line(entry).message, **entry.data},
    }


def live_event(event: JsonObject) -> LiveEvent:
    """Write an event down for everybody who watches."""
    text = _encode(event)
    seq = event.get("seq")
    return LiveEvent(int(str(seq)) if seq is not None else None, str(event["type"]), text)


def packed(event: LiveEvent) -> bytes:
    """Return an event as it travels: ``seq type``, a line break, its text. Nobody on the way need parse the text."""
    return f"{event.seq or '-'} {event.type}\n{event.text}".encode("utf-8", "replace")


def unpacked(data: bytes) -> LiveEvent:
    """Read what ``packed`` made."""
    head, _, text = data.decode().partition("\n")
    seq, _, type_ = head.partition(" ")
    return LiveEvent(None if seq == "-" else int(seq), type_, text)


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
            if isinstance(entry.data, Thin):
                self._put_written(run_id, LiveEvent(entry.seq, entry.type, IN_THE_JOURNAL))
            else:
                self._put(run_id, event_of(entry))

    def publish_frame(self, run_id: UUID, frame: Frame) -> None:
        """Tell of something ephemeral."""
        self._put(run_id, {"type": frame.type, "node_id": frame.node_id, "data": frame.data})

    def _put(self, run_id: UUID, event: JsonObject) -> None:
        self._put_written(run_id, live_event(event))

    def _put_written(self, run_id: UUID, event: LiveEvent) -> None:
        written = packed(event)
        self._queued.append((channel_of(run_id), written))
        self._queued_bytes += len(written)
        # While Redis is away the oldest are let go: whoever watches sees the gap and reads the journal.
        while self._queued_bytes > MOST_QUEUED_BYTES:
            self._queued_bytes -= len(self._queued.popleft()[1])
        self._wake.set()

    async def run(self) -> None:
        """Publish what is queued, for ever; Redis may come and go."""
        while True:
            end_if_cancelled()
            await self._wake.wait()
            self._wake.clear()
            try:
                while self._queued:
                    await self._publish(self._next_batch())
            except (RedisError, OSError) as error:
                logger.warning("live events are delayed: Redis does not answer (%s)", error)
                await asyncio.sleep(1)
            # What comes in the meantime goes with the next: one sending costs as much as many events.
            await asyncio.sleep(GATHER_SECONDS)

    def _next_batch(self) -> list[tuple[str, bytes]]:
        batch = [self._queued.popleft() for _ in range(min(len(self._queued), MOST_EVENTS_AT_ONCE))]
        self._queued_bytes -= sum(len(event) for _, event in batch)
        return batch

    async def _publish(self, batch: Sequence[tuple[str, bytes]]) -> None:
        words = [word for event in batch for word in event]
        await self._redis.execute_command("EVAL", _PUBLISH_ALL, 0, *words)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Hang up."""
        await self._redis.aclose()


def end_if_cancelled() -> None:
    """End a task that was asked to. The Redis library swallows being cancelled at some of its places."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class RunSink:
    """Keeps the engine's EventSink port for one run."""

    def __init__(self, publisher: EventPublisher, run_id: UUID) -> None:
        self._publisher = publisher
        self._run_id = run_id

    def emit(self, frame: Frame) -> None:
        """See the port."""
        self._publisher.publish_frame(self._run_id, frame)
