# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Journal port: appends through the worker's writer, reads back as the run's own organization."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from agents.adapters.claims import Claim
from agents.adapters.events import EventPublisher
from agents.adapters.journal_writer import JournalWriter
from agents.adapters.trail import RunTrail
from agents.engine.journal import Entry, encode_data
from agents.engine.ports import Rest
from agents.engine.thinning import LARGE_BYTES, thin

ReadEntries = Callable[[Claim, int], Awaitable[Sequence[Entry]]]


class PostgresJournal:
    """The journal of one claimed run."""

    def __init__(
        self,
        claim: Claim,
        writer: JournalWriter,
        *,
        publisher: EventPublisher,
        read: ReadEntries,
        trail: RunTrail | None = None,
    ) -> None:
        self._claim = claim
        self._writer = writer
        self._publisher = publisher
        self._read = read
        self._trail = trail
        self._is_empty = claim.is_fresh

    async def append(self, entries: Sequence[Entry], *, rest: Rest | None = None) -> None:
        """See the port. What is durable is then told to whoever watches."""
        self._is_empty = False
        large: dict[str, bytes] = {}
        kept = [_thinned(entry, large) if len(encode_data(entry.data)) > LARGE_BYTES else entry for entry in entries]
        if large:
            # Durable before what refers to them is: should this process die in between, they are swept.
            await self._writer.keep_blobs(self._claim, large)
        # In the same commit: neither is a call intended that the trail has not, nor the other way round.
        is_last = rest is not None or (bool(entries) and entries[-1].type == "run.finished")
        deeds = () if self._trail is None else self._trail.take(is_last=is_last)
        await self._writer.append(self._claim, kept, rest=rest, deeds=deeds)
        self._publisher.publish_entries(self._claim.run_id, kept)

    async def read(self, after: int = 0) -> Sequence[Entry]:
        """See the port."""
        return () if self._is_empty else await self._read(self._claim, after)


def _thinned(entry: Entry, large: dict[str, bytes]) -> Entry:
    data, found = thin(entry.data)
    large.update(found)
    return replace(entry, data=data) if found else entry
