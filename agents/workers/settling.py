# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Settling of runs that have ended: many at once, and behind what is being done, for their end is durable already."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from uuid import UUID

GATHER_SECONDS = 0.25
"""How long they are gathered while others are carried: many of one organization cost hardly more than one."""

SettleRuns = Callable[[Mapping[UUID, Collection[UUID]]], Awaitable[None]]


class Settler:
    """Settles what it is told of; what a kill takes from it is found by the sweep, for the rows say so themselves."""

    def __init__(self, settle_runs: SettleRuns) -> None:
        self._settle_runs = settle_runs
        self._ended: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._is_told = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._at_work = asyncio.Lock()
        self._under_way = 0

    @property
    def unsettled(self) -> int:
        """How many runs it was told of and has not settled yet."""
        return self._under_way + sum(map(len, self._ended.values()))

    def tell(self, run_id: UUID, *, organization_id: UUID) -> None:
        """Settle this run soon."""
        self._ended[organization_id].add(run_id)
        self._is_told.set()

    def note_idle(self, is_idle: bool) -> None:
        """While nothing is carried there is nobody to wait for."""
        if is_idle:
            self._is_idle.set()
        else:
            self._is_idle.clear()

    async def run(self) -> None:
        """Settle what has ended, for ever."""
        while True:
            await self._is_told.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._is_idle.wait()
            await self.settle_all()

    async def settle_all(self) -> None:
        """Settle everything told so far; one transaction for all runs of an organization."""
        async with self._at_work:
            self._is_told.clear()
            ended, self._ended = self._ended, defaultdict(set)
            self._under_way = sum(map(len, ended.values()))
            try:
                if ended:
                    await self._settle_runs(ended)
            finally:
                self._under_way = 0
