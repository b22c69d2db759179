# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The time at which an exchange over HTTP is over, kept by one timer however many pieces it comes in."""

import asyncio
import time
from collections.abc import AsyncIterator


class Deadline:
    """Ends whoever waits for the next piece when the time is up. ``asyncio.timeout`` for each costs as much as a piece.

    Made on the loop it is for; ``lift`` it when the exchange has ended.
    """

    def __init__(self, at: float) -> None:
        """``at`` is a moment of time.monotonic."""
        loop = asyncio.get_running_loop()
        self._is_over = False
        self._waiting: asyncio.Task[object] | None = None
        self._timer = loop.call_later(max(0.0, at - time.monotonic()), self._end)

    async def next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        """Return the next piece, None behind the last. Raises TimeoutError."""
        task = asyncio.current_task()
        if self._is_over or task is None:
            raise TimeoutError
        cancelled_before = task.cancelling()
        self._waiting = task
        try:
            return await anext(pieces, None)
        except asyncio.CancelledError:
            # Ours it is only where nobody else wants the task to end.
            if self._is_over and task.uncancel() <= cancelled_before:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def lift(self) -> None:
        """End nobody any more."""
        self._timer.cancel()

    def _end(self) -> None:
        self._is_over = True
        if self._waiting is not None:
            self._waiting.cancel()
