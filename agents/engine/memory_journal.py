# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A journal without a database, for tests and for trying a flow in process."""

from collections.abc import Sequence
from dataclasses import replace

from agents.engine.errors import LeaseLost
from agents.engine.journal import Entry, decode_data, encode_data
from agents.engine.ports import Rest


class MemoryJournal:
    """Keeps the port ``Journal``: whole appends, dense seqs, and a fence by epoch."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.appends = 0
        self.fence = 0

    async def append(self, entries: Sequence[Entry], *, rest: Rest | None = None) -> None:
        """Keep the entries. Raises LeaseLost for an epoch behind the fence or a seq that does not follow."""
        first = len(self.entries) + 1
        for seq, entry in enumerate(entries, start=first):
            if entry.epoch < self.fence or entry.seq != seq:
                raise LeaseLost(
                    f"Epoch {entry.epoch} may not write entry {entry.seq} any more. Leave the run to its holder."
                )
        # Written and read back, so that what a database would change is changed here too.
        self.entries.extend(replace(entry, data=decode_data(encode_data(entry.data))) for entry in entries)
        self.fence = max([self.fence, *(entry.epoch for entry in entries)])
        self.appends += 1

    async def read(self, after: int = 0) -> Sequence[Entry]:
        """Return the entries with a seq above ``after``."""
        return tuple(self.entries[after:])


class MemorySnapshots:
    """Keeps the port ``Snapshots``."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self._newest: bytes | None = None

    async def newest(self) -> bytes | None:
        """Return the one kept last."""
        return self._newest

    async def keep(self, seq: int, snapshot: bytes) -> None:
        """Keep a snapshot."""
        self.seqs.append(seq)
        self._newest = snapshot
