# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Snapshots port: written by the worker's writer, read as the run's own organization."""

import logging
from collections.abc import Awaitable, Callable

import psycopg

from agents.adapters.journal_writer import Claim, JournalWriter

logger = logging.getLogger(__name__)

ReadSnapshot = Callable[[Claim], Awaitable[bytes | None]]


class PostgresSnapshots:
    """The snapshots of one claimed run: one row, which each newer one replaces."""

    def __init__(self, claim: Claim, writer: JournalWriter, *, read: ReadSnapshot) -> None:
        self._claim = claim
        self._writer = writer
        self._read = read

    async def newest(self) -> bytes | None:
        """See the port."""
        return None if self._claim.is_fresh else await self._read(self._claim)

    async def keep(self, seq: int, snapshot: bytes) -> None:
        """See the port."""
        try:
            await self._writer.keep_snapshot(self._claim, seq, snapshot)
        except psycopg.Error as error:
            logger.warning("a snapshot of run %s was not kept, the journal has all: %s", self._claim.run_id, error)
