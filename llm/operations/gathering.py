# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Asking once for all who ask the same at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Gathered(Generic[K, V]):
    """Questions that are on their way, by what they ask for; each loop has its own."""

    def __init__(self) -> None:
        self._asked: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[K, asyncio.Task[V]]] = WeakKeyDictionary()

    async def ask(self, key: K, question: Callable[[], Awaitable[V]]) -> V:
        """Return the answer to what is asked for already, else ask. It goes on where one who waits goes away."""
        asked = self._asked.setdefault(asyncio.get_running_loop(), {})
        if key not in asked:
            task = asyncio.ensure_future(_of(question))
            asked[key] = task
            task.add_done_callback(partial(_forget, asked, key))
        return await asyncio.shield(asked[key])


async def _of(question: Callable[[], Awaitable[V]]) -> V:
    return await question()


def _forget(asked: dict[K, "asyncio.Task[V]"], key: K, task: "asyncio.Task[V]") -> None:
    asked.pop(key, None)
    if not task.cancelled():
        # Whoever waited may be gone, and an error that nobody hears of is reported as a bug.
        task.exception()
