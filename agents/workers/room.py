# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Room for what runs keep in memory: who finds none waits, so that many large runs at once do not end the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """So much, shared by everybody of one loop."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def taken(self, wanted: int) -> AsyncIterator[None]:
        """Hold ``wanted`` of it, waiting until there is as much; more than there ever is takes all."""
        held = min(wanted, self._size)
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= held)
            self._left -= held
        try:
            yield
        finally:
            self._left += held
            async with self._changed:
                self._changed.notify_all()
