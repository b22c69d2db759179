# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Journal port: appends through the worker's writer, reads back as the run's own organization."""

from collections.abc import Awaitable, Callable, Sequence

from agents.adapters.events import EventPublisher
from agents.adapters.journal_writer import Claim, JournalWriter
from agents.engine.journal import Entry

ReadEntries = Callable[[Claim, int], Awaitable[Sequence[Entry]]]


class PostgresJournal:
    """The journal of one claimed run."""

    def __init__(self, claim: Claim, writer: JournalWriter, *, publisher: EventPublisher, read: ReadEntries) -> None:
        self._claim = claim
        self._writer = writer
        self._publisher = publisher
        self._read = read
        self._is_empty = claim.is_fresh

    async def append(self, entries: Sequence[Entry], *, is_resting: bool = False) -> None:
        """See the port. What is durable is then told to whoever watches."""
        self._is_empty = False
        await self._writer.append(self._claim, entries, is_resting=is_resting)
        self._publisher.publish_entries(self._claim.run_id, entries)

    async def read(self, after: int = 0) -> Sequence[Entry]:
        """See the port."""
        return () if self._is_empty else await self._read(self._claim, after)
