# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An alarm clock for one run: rings its bell when a moment has come."""

import asyncio
from datetime import datetime

from agents.engine.ports import Clock


class Alarm:
    """Rings ``bell`` at the one moment it is set to."""

    def __init__(self, clock: Clock, bell: asyncio.Event) -> None:
        self._clock = clock
        self._bell = bell
        self._moment: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def set(self, moment: datetime | None) -> None:
        """Ring at ``moment`` and not at the one before; None: do not ring."""
        if moment == self._moment and self._task is not None and not self._task.done():
            return
        self.stop()
        self._moment = moment
        if moment is not None:
            seconds = max(0.0, (moment - self._clock.now()).total_seconds())
            self._task = asyncio.create_task(self._ring_after(seconds))

    def stop(self) -> None:
        """Do not ring."""
        self._moment = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _ring_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._bell.set()
