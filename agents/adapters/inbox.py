# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Inbox port: the run's mark is cleared first, so that nothing sent meanwhile is overlooked."""

from collections.abc import Awaitable, Callable, Sequence

from agents.adapters.journal_writer import Claim, JournalWriter
from agents.engine.ports import InboxMessage

ReadMessages = Callable[[Claim], Awaitable[Sequence[InboxMessage]]]


class PostgresInbox:
    """The inbox of one claimed run."""

    def __init__(self, claim: Claim, writer: JournalWriter, *, read: ReadMessages) -> None:
        self._claim = claim
        self._writer = writer
        self._read = read
        self._is_fresh = True

    async def read(self) -> Sequence[InboxMessage]:
        """See the port."""
        # Claiming the run has cleared the mark.
        if not self._is_fresh:
            await self._writer.empty_post(self._claim)
        self._is_fresh = False
        return await self._read(self._claim)
