# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Inbox port: the run's mark is cleared first, so that nothing sent meanwhile is overlooked."""

from collections.abc import Awaitable, Callable, Sequence

from agents.adapters.claims import Claim
from agents.adapters.journal_writer import JournalWriter
from agents.engine.ports import InboxMessage

ReadMessages = Callable[[Claim], Awaitable[Sequence[InboxMessage]]]


class PostgresInbox:
    """The inbox of one claimed run."""

    def __init__(self, claim: Claim, writer: JournalWriter, *, read: ReadMessages) -> None:
        self._claim = claim
        self._writer = writer
        self._read = read
        self._has_begun = False

    async def read(self) -> Sequence[InboxMessage]:
        """See the port."""
        # Most runs have no post when they are taken up, and the claim has said so.
        is_known_empty, self._has_begun = not (self._has_begun or self._claim.has_post), True
        if is_known_empty:
            return ()
        await self._writer.empty_post(self._claim)
        return await self._read(self._claim)
