# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Two answers on their way at once, of which the one that begins first is listened to."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from codexos.kernel.chat import ChatAnswer, Delta
from codexos.kernel.errors import CodexosError

Pieces = AsyncGenerator[Delta | ChatAnswer, None]
MOST_AHEAD = 200
"""How many pieces are taken in before anybody listens."""


class Pump:
    """Draws an answer in a task of its own, from its first piece to its last, and hangs up in that same task."""

    def __init__(self, pieces: Pieces) -> None:
        self._queue: asyncio.Queue[Delta | ChatAnswer | BaseException | None] = asyncio.Queue(MOST_AHEAD)
        self._has_begun = asyncio.Event()
        self._first: Delta | ChatAnswer | BaseException | None = None
        self._task = asyncio.create_task(self._draw(pieces))

    async def begun(self) -> None:
        """Return once there is a first piece, or it is known that there is none."""
        await self._has_begun.wait()

    @property
    def has_begun(self) -> bool:
        """Whether there is a first piece, or it is known that there is none."""
        return self._has_begun.is_set()

    @property
    def failure(self) -> CodexosError | None:
        """Return what it failed with before it gave anything; None where it gave something."""
        return self._first if isinstance(self._first, CodexosError) else None

    async def pieces(self) -> Pieces:
        """Yield what comes. Raises what drawing it raised."""
        while (piece := await self._queue.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def close(self) -> None:
        """Hang up."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _draw(self, pieces: Pieces) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    await self._put(piece)
            await self._put(None)
        except Exception as error:
            await self._put(error)

    async def _put(self, piece: Delta | ChatAnswer | BaseException | None) -> None:
        if not self._has_begun.is_set():
            self._first = piece
            self._has_begun.set()
        await self._queue.put(piece)


async def first_of(pumps: Mapping[int, Pump], *, within: float | None = None) -> int | None:
    """Return which has begun, or is known to give nothing, the first of several; None where none has in time."""
    if not pumps:
        return None
    waits = [asyncio.ensure_future(pump.begun()) for pump in pumps.values()]
    try:
        await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return next((place for place, pump in pumps.items() if pump.has_begun), None)
