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

from agents.engine.journal import Entry, encode_data, joined
from agents.engine.logs import message_of
from agents.engine.ports import Frame
from agents.engine.thinning import Thin
from codexos.kernel.jsontypes import JsonObject

logger = logging.getLogger(__name__)

MOST_QUEUED_BYTES = 64 * 1024 * 1024
MOST_EVENTS_AT_ONCE = 250
"""So many are written in one go, on the loop that carries everybody's runs."""
GATHER_SECONDS = 0.008
FINISHED = "run.finished"
_OVERHEAD_BYTES = 500
"""What an event is in memory beside what it says."""
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


def entry_event(entry: Entry) -> LiveEvent:
    """Write an entry down as the event people see."""
    return LiveEvent(entry.seq, entry.type, _told(entry).decode())


def live_event(event: JsonObject) -> LiveEvent:
    """Write an ephemeral event down for everybody who watches."""
    return LiveEvent(None, str(event["type"]), _encode(event))


def packed(event: LiveEvent) -> bytes:
    """Return an event as it travels: ``seq type``, a line break, its text. Nobody on the way need parse the text."""
    return f"{event.seq or '-'} {event.type}\n{event.text}".encode("utf-8", "replace")


def packed_entry(entry: Entry) -> bytes:
    """Return the event of an entry as it travels."""
    text = IN_THE_JOURNAL.encode() if isinstance(entry.data, Thin) else _told(entry)
    return b"%d %b\n%b" % (entry.seq, entry.type.encode(), text)


def _told(entry: Entry) -> bytes:
    """Write an entry as an event: the data as the journal has it, with the line of the log in front.

    So what is watched live reads as it does afterwards.
    """
    at = entry.at.isoformat().replace("+00:00", "Z")
    node_id = "null" if entry.node_id is None else _encode(entry.node_id)
    head = f'{{"seq":{entry.seq},"type":"{entry.type}","at":"{at}","node_id":{node_id},"data":'
    message: JsonObject = {} if "message" in entry.data else {"message": message_of(entry)}
    return b"%b%b}" % (head.encode("utf-8", "replace"), joined(encode_data(message), entry.data))


def unpacked(data: bytes) -> LiveEvent:
    """Read what ``packed`` made."""
    head, _, text = data.decode().partition("\n")
    seq, _, type_ = head.partition(" ")
    return LiveEvent(None if seq == "-" else int(seq), type_, text)


class _Queued(NamedTuple):
    """An event that waits to be sent. An entry is written as one only then: no run waits for that."""

    channel: str
    event: Entry | bytes
    size: int

    @property
    def packed(self) -> bytes:
        """The event as it travels."""
        return self.event if isinstance(self.event, bytes) else packed_entry(self.event)


class EventPublisher:
    """Sends events on their way without ever holding up a run."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url)
        self._queued: deque[_Queued] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()

    def publish_entries(self, run_id: UUID, entries: Sequence[Entry]) -> None:
        """Tell of entries that are durable."""
        channel = channel_of(run_id)
        for entry in entries:
            # Held as it is and as it is written.
            self._put(_Queued(channel, entry, _OVERHEAD_BYTES + 2 * len(encode_data(entry.data))))

    def publish_frame(self, run_id: UUID, frame: Frame) -> None:
        """Tell of something ephemeral."""
        event = packed(live_event({"type": frame.type, "node_id": frame.node_id, "data": frame.data}))
        self._put(_Queued(channel_of(run_id), event, len(event)))

    def _put(self, queued: "_Queued") -> None:
        self._queued.append(queued)
        self._queued_bytes += queued.size
        # While Redis is away the oldest are let go: whoever watches sees the gap and reads the journal.
        while self._queued_bytes > MOST_QUEUED_BYTES:
            self._queued_bytes -= self._queued.popleft().size
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
        self._queued_bytes -= sum(queued.size for queued in batch)
        return [(queued.channel, queued.packed) for queued in batch]

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
