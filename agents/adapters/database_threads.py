# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Threads for what Django reads and writes, beside a loop that must not wait for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")

HANG_UP_SECONDS = 2.0


class DatabaseThreads:
    """So many threads, each with a connection of its own that is made anew where it was lost."""

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do it in one of them."""
        call = partial(_with_fresh_connection, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def close(self) -> None:
        """Hang up: only the thread that has a connection may close it, so each is called for it."""
        together, loop = Barrier(self._count, timeout=HANG_UP_SECONDS), asyncio.get_running_loop()
        calls = [loop.run_in_executor(self._pool, _hang_up, together) for _thread in range(self._count)]
        await asyncio.gather(*calls)
        self._pool.shutdown(wait=False)


def _with_fresh_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    close_old_connections()
    return function(*args, **kwargs)


def _hang_up(together: Barrier) -> None:
    # Whoever waits here leaves the next call to the next thread; one that is stuck in the database is not waited for.
    with suppress(BrokenBarrierError):
        together.wait()
    connections.close_all()
