# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Threads that wait for work, the first of those that rest called first.

What a thread used lately is still near: its connection, its serializers, its memory. So the same few do nearly all,
where the executor of the standard library wakes the one that has rested longest.
"""

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from heapq import heappop, heappush
from queue import SimpleQueue
from typing import Any, TypeVar

R = TypeVar("R")
Tell = Callable[[], object]
Work = Callable[[], Tell]
Inbox = SimpleQueue[Work | None]


class Crew:
    """At most so many threads, started when all others are busy. They end with their crew, or with the process.

    Each calls ``begin`` with its place among them, from 0, before anything else.
    """

    def __init__(self, most: int, *, name: str, begin: Callable[[int], None] = lambda _place: None) -> None:
        self._desk = _Desk(most, name=name, begin=begin)
        # At the end of the process, too: whoever is in the middle of something finishes it.
        weakref.finalize(self, self._desk.close)

    async def call(self, function: Callable[[], R]) -> R:
        """Do it in one of the threads; what it returns or raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()

        def work() -> Tell:
            try:
                return partial(_tell, loop, _succeed, done, function())
            except BaseException as error:
                return partial(_tell, loop, _fail, done, error)

        self._desk.give(work)
        return await done


class _Desk:
    """Where work is given out. The threads hold this and not their crew, which may thus be forgotten."""

    def __init__(self, most: int, *, name: str, begin: Callable[[int], None]) -> None:
        self._most = most
        self._name = name
        self._begin = begin
        self._lock = threading.Lock()
        self._resting: list[tuple[int, Inbox]] = []
        self._waiting: deque[Work] = deque()
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def give(self, work: Work) -> None:
        """Have it done by the first of those that rest, by a new thread, or as soon as one is free."""
        with self._lock:
            if self._resting:
                heappop(self._resting)[1].put(work)
            elif len(self._threads) < self._most:
                self._start(work)
            else:
                self._waiting.append(work)

    def close(self) -> None:
        """Let no more be given out and wait for what has been, unless one of the threads asks for it."""
        with self._lock:
            self._is_closed = True
            for _place, inbox in self._resting:
                inbox.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def ask_for(self, place: int, inbox: Inbox) -> None:
        """Put what waits into the inbox, else what comes next; None at the end."""
        with self._lock:
            if self._waiting:
                inbox.put(self._waiting.popleft())
            elif self._is_closed:
                inbox.put(None)
            else:
                heappush(self._resting, (place, inbox))

    def _start(self, work: Work) -> None:
        place = len(self._threads)
        # A daemon, since the interpreter would wait for the others before it says that the process ends.
        live = partial(_live, self, work, place=place, begin=self._begin)
        thread = threading.Thread(target=live, name=f"{self._name}_{place}", daemon=True)
        self._threads.append(thread)
        thread.start()


def _live(desk: _Desk, work: Work | None, *, place: int, begin: Callable[[int], None]) -> None:
    inbox: Inbox = SimpleQueue()
    begin(place)
    while work is not None:
        tell = work()
        # Before it is told, so that who hears it and calls again finds this thread resting.
        desk.ask_for(place, inbox)
        tell()
        # Neither the work nor what came of it is kept while nothing is to do.
        del work, tell
        work = inbox.get()


def _tell(loop: asyncio.AbstractEventLoop, how: Callable[..., None], *outcome: Any) -> None:
    # Where the loop has ended, nobody waits any more.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(how, *outcome)


def _succeed(done: "asyncio.Future[R]", outcome: R) -> None:
    if not done.done():
        done.set_result(outcome)


def _fail(done: "asyncio.Future[R]", error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)
