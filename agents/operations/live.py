# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Following a run as it happens: first what its journal has, then what comes, without a gap and without a repeat.

Nobody who follows or waits holds a thread or a database connection: journals are read by a few threads for all.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import cache, partial
from typing import NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection

from accounts.actor import Actor
from agents.adapters.events import FINISHED, LiveEvent, entry_event
from agents.adapters.hub import Hub
from agents.errors import FollowerTooSlow
from agents.queries.live import RunHead, list_heads, read_page

READING_THREADS = 4

P = ParamSpec("P")
R = TypeVar("R")


async def follow_run(
    actor: Actor, run_id: UUID, *, after: int = 0, is_strict: bool = False
) -> AsyncGenerator[LiveEvent, None]:
    """Yield the events of a run with a seq above ``after``, dense, then live ones until run.finished.

    Events without seq are ephemeral; a ``heartbeat`` comes where nothing else does. The caller has checked that the
    actor may see the run. Who cannot keep up reads on from the journal or, where ``is_strict``, is told to come back:
    raises FollowerTooSlow. Raises RunNotFound where the run is deleted meanwhile.
    """
    live = _live_of_this_loop()
    feed, watcher = await live.hub.join(actor.organization_id, run_id)
    seen = after
    try:
        while True:
            page = await live.read(actor, run_id, after=seen)
            for event in page.events:
                seen = event.seq or seen
                yield event
            if page.is_over:
                return
            # More was told than this page had: going live now would leave it out.
            if not page.is_last or feed.newest > seen:
                continue
            del page  # or each of many sockets would keep what it replayed
            watcher.go_live(seen)
            while (live_one := await watcher.next()) is not None:
                seen = live_one.seq or seen
                yield live_one
                if live_one.type == FINISHED:
                    return
            if watcher.has_overflowed and is_strict:
                raise FollowerTooSlow(after=seen)
            watcher.has_overflowed = False
    finally:
        live.hub.leave(feed, watcher)


async def wait_until_finished(actor: Actor, run_id: UUID, *, seconds: float) -> None:
    """Return when the run has finished or after ``seconds``, whichever comes first."""
    live = _live_of_this_loop()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            feed, watcher = await live.hub.join(actor.organization_id, run_id)
            try:
                head = (await live.read_heads([feed.key])).get(run_id)
                if head is not None and not head.is_finished:
                    await feed.finished.wait()
            finally:
                live.hub.leave(feed, watcher)


async def in_reading_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask the database from asynchronous code: a few threads for everybody, and none keeps a connection."""
    context, call = copy_context(), partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads(), lambda: context.run(_leaving_none, call))


class _Page(NamedTuple):
    events: Sequence[LiveEvent]
    is_last: bool
    is_over: bool


class _Live:
    """What one event loop knows of those who follow."""

    def __init__(self, url: str) -> None:
        self.hub = Hub(url, read_heads=self.read_heads)
        self._reading: dict[tuple[UUID, int], asyncio.Task[_Page]] = {}

    async def read(self, actor: Actor, run_id: UUID, *, after: int) -> _Page:
        """Read on in a journal. Who asks for the same while it is read shares the answer."""
        key = (run_id, after)
        if key not in self._reading:
            self._reading[key] = asyncio.create_task(in_reading_thread(_read_page, actor, run_id, after=after))
            self._reading[key].add_done_callback(lambda _: self._reading.pop(key, None))
        return await asyncio.shield(self._reading[key])

    async def read_heads(self, runs: Sequence[tuple[UUID, UUID]]) -> Mapping[UUID, RunHead]:
        """Return how far runs have come."""
        return await in_reading_thread(list_heads, runs)


def _read_page(actor: Actor, run_id: UUID, *, after: int) -> _Page:
    page = read_page(actor, run_id, after=after)
    return _Page([entry_event(entry) for entry in page.entries], page.is_last, page.is_over)


def leave_connection() -> None:
    """Give this thread's database connection back: who waits or follows for long would keep it from everybody else."""
    if not connection.in_atomic_block:
        connection.close()


def _leaving_none(call: Callable[[], R]) -> R:
    try:
        return call()
    finally:
        leave_connection()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READING_THREADS, thread_name_prefix="live-db")


_lives: dict[asyncio.AbstractEventLoop, _Live] = {}


def _live_of_this_loop() -> _Live:
    loop = asyncio.get_running_loop()
    if loop not in _lives:
        for old in [known for known in _lives if known.is_closed()]:
            del _lives[old]
        _lives[loop] = _Live(settings.REDIS_URL)
    return _lives[loop]
