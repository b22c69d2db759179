# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Clock port by the kernel's clock and the event loop."""

import asyncio
from datetime import datetime

from codexos.kernel import clock


class SystemClock:
    """Real time."""

    def now(self) -> datetime:
        """See the port."""
        return clock.now()

    async def sleep(self, seconds: float) -> None:
        """See the port."""
        await asyncio.sleep(seconds)
