# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Somebody who follows a run: live while they keep up, else sent to read the journal."""

import asyncio
from collections import deque

from agents.adapters.events import FINISHED, IN_THE_JOURNAL, LiveEvent

MOST_QUEUED = 1_000
MOST_QUEUED_CHARACTERS = 4 * 1024 * 1024


class Watcher:
    """A bounded queue of what came since the journal was read.

    While it is not live nothing is queued: who reads the journal gets there by themselves, however slowly.
    """

    __slots__ = ("_characters", "_queue", "_waiter", "has_overflowed", "is_live", "newest")

    def __init__(self) -> None:
        self._queue: deque[LiveEvent] | None = None
        self._characters = 0
        self._waiter: asyncio.Future[None] | None = None
        self.is_live = False
        self.has_overflowed = False
        self.newest = 0

    def go_live(self, seen: int) -> None:
        """Queue what comes behind ``seen`` from now on."""
        self.is_live, self.newest = True, seen

    def take(self, event: LiveEvent) -> None:
        """Queue an event where it follows on what came before it."""
        if not self.is_live:
            return
        if event.seq is not None:
            if event.seq <= self.newest and event.type != FINISHED:
                return
            if event.seq != self.newest + 1 or event.text == IN_THE_JOURNAL:
                # It is too large to travel, something is missing, or the run ended before where this reader began:
                # the journal knows.
                self.fall_behind()
                return
            self.newest = event.seq
        self._put(event)

    def fall_behind(self) -> None:
        """Send the reader to the journal, once it has taken what is queued."""
        self.is_live = False
        self._wake()

    async def next(self) -> LiveEvent | None:
        """Return the next event, waiting for it; None where the journal is to be read."""
        while not self._queue:
            if not self.is_live:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._queue.popleft()
        self._characters -= len(event.text)
        return event

    def _put(self, event: LiveEvent) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(event)
        self._characters += len(event.text)
        if len(self._queue) > MOST_QUEUED or self._characters > MOST_QUEUED_CHARACTERS:
            self._queue.clear()
            self._characters, self.has_overflowed = 0, True
            self.fall_behind()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
