# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sessions that runs have with servers: opened by a run's first call, kept for its next ones, closed when at rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context

from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.shelves.mcp_client.opening import Session, opened
from agents.adapters.tools.room import ToolRoom
from agents.errors import ToolUnavailable

REST_SECONDS = 60.0
"""How long a session is kept that nobody uses."""
LONGEST_SECONDS = 540.0
"""How old one may become: its key may have changed since."""
MOST_KEPT = 200
"""In this process. Beyond that calls are told to come back."""


@asynccontextmanager
async def session_of(place: ServerPlace, room: ToolRoom) -> AsyncIterator[Session]:
    """Give a run's session with a server; opens one where there is none. Raises what ``opened`` does."""
    if room.run_id is None:
        async with opened(place, room) as session:
            yield session
        return
    kept = _of_this_loop().kept(place, room)
    async with kept.used() as session:
        yield session


class _Kept:
    """One session, held by a task of its own: the library wants it closed where it was opened."""

    def __init__(self, place: ServerPlace, room: ToolRoom) -> None:
        self._users = 0
        self._name = place.name
        self._wake = asyncio.Event()
        self._session: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self._began = asyncio.get_running_loop().time()
        self.is_over = False
        # In a context of its own: it outlives the step that first asked for it.
        self.task = asyncio.create_task(self._hold(place, room), context=Context())

    @property
    def is_fresh(self) -> bool:
        """Whether it may be used once more."""
        return not self.is_over and asyncio.get_running_loop().time() - self._began < LONGEST_SECONDS

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Session]:
        """Keep it open while the block runs."""
        self._users += 1
        try:
            session = await asyncio.shield(self._session)
            try:
                yield session
            finally:
                # Most of all where the block raises: that is when a session is said to be over.
                self.is_over = self.is_over or session.is_over
        finally:
            self._users -= 1
            self._wake.set()

    async def _hold(self, place: ServerPlace, room: ToolRoom) -> None:
        try:
            async with opened(place, room) as session:
                self._session.set_result(session)
                await self._until_at_rest()
        except Exception as error:
            if not self._session.done():
                self._session.set_exception(error)
                # Heard by whoever waits; where nobody does any more, by nobody.
                self._session.exception()
        finally:
            self.is_over = True
            if not self._session.done():
                self._session.set_exception(ToolUnavailable(f"Tool server {self._name!r} was let go. Try again."))
                self._session.exception()

    async def _until_at_rest(self) -> None:
        while not (self._users == 0 and not self.is_fresh):
            self._wake.clear()
            try:
                async with asyncio.timeout(REST_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                if self._users == 0:
                    return


class _Sessions:
    """The sessions of one event loop."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], _Kept] = {}

    def kept(self, place: ServerPlace, room: ToolRoom) -> _Kept:
        """Return a run's session with a server, perhaps one that is being opened."""
        # All that is said of the server: a change of it is another server.
        key = (room.run_id, place.id, place.address, str(place.config), str(place.auth), place.key)
        found = self._kept.get(key)
        if found is None or not found.is_fresh:
            if len(self._kept) >= MOST_KEPT:
                raise ToolUnavailable("Too many sessions with tool servers are open. Try again in a minute.")
            found = self._kept[key] = _Kept(place, room)
            found.task.add_done_callback(lambda _: self._forget(key, found))
        return found

    def _forget(self, key: tuple[object, ...], kept: _Kept) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]

    async def close(self) -> None:
        """End all of them."""
        tasks = [kept.task for kept in self._kept.values()]
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


_loops: dict[asyncio.AbstractEventLoop, _Sessions] = {}


def _of_this_loop() -> _Sessions:
    loop = asyncio.get_running_loop()
    if loop not in _loops:
        for old in [known for known in _loops if known.is_closed()]:
            del _loops[old]
        _loops[loop] = _Sessions()
    return _loops[loop]


async def close_sessions() -> None:
    """End every session of this event loop: for a worker that stops."""
    await _of_this_loop().close()
