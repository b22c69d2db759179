# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""HTTP clients that outlast one answer: lent to one at a time, so that none waits for another's connection.

Making a client and a connection for each answer costs more than the answer itself, and a TLS handshake each time.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from codexos.kernel.http import EgressPolicy, HttpClient

MOST_IDLE = 64
"""How many clients of one loop wait for the next answer; more are closed."""
IDLE_SECONDS = 4.0
"""Many servers hang up after five, and a question that meets that on its way is lost."""


class _Clients:
    """Those of one event loop that nobody uses just now; they are closed with it."""

    def __init__(self) -> None:
        self._idle: deque[tuple[float, EgressPolicy, HttpClient]] = deque()
        self._end = self._until_the_loop_ends()

    async def begin(self) -> None:
        """Have the loop end us when it ends: it closes every generator that was begun on it."""
        await anext(self._end)

    def take(self, policy: EgressPolicy) -> HttpClient:
        """Return the client that was used last under a policy: its connection is the most likely to be still open."""
        oldest = time.monotonic() - IDLE_SECONDS
        for place in range(len(self._idle) - 1, -1, -1):
            since, of, client = self._idle[place]
            if since < oldest:
                break
            if of == policy:
                del self._idle[place]
                return client
        return HttpClient(policy)

    async def give_back(self, policy: EgressPolicy, client: HttpClient) -> None:
        """Keep a client for the next answer, and close those that have waited too long or are too many."""
        now = time.monotonic()
        self._idle.append((now, policy, client))
        while self._idle and (len(self._idle) > MOST_IDLE or self._idle[0][0] < now - IDLE_SECONDS):
            await self._idle.popleft()[2].aclose()

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            while self._idle:
                await self._idle.pop()[2].aclose()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()


@asynccontextmanager
async def lent_client(policy: EgressPolicy) -> AsyncIterator[HttpClient]:
    """Lend a client of the running loop that reaches what ``policy`` lets through."""
    clients = _by_loop.get(loop := asyncio.get_running_loop())
    if clients is None:
        clients = _by_loop[loop] = _Clients()
        await clients.begin()
    client = clients.take(policy)
    try:
        yield client
    finally:
        await clients.give_back(policy, client)
