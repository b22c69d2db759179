# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writing down what happens: folded at once, made durable together."""

from agents.engine import snapshots
from agents.engine.documents import parse_plan
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry, EntryType, told
from agents.engine.ports import Ports, Rest
from agents.engine.view import JournalView
from codexos.kernel.jsontypes import JsonObject, JsonValue


class Recorder:
    """Gathers entries of one holder; ``commit`` makes all that were gathered durable in one append."""

    def __init__(self, ports: Ports, *, epoch: int) -> None:
        self._journal = ports.journal
        self._snapshots = ports.snapshots
        self._clock = ports.clock
        self._epoch = epoch
        self._gathered: list[Entry] = []
        self._newest = 0

    async def replay(self, graph: FlowGraph, *, input: JsonValue) -> JournalView:
        """Rebuild the run from what is durable. Raises JournalDiverged."""
        self._gathered.clear()
        kept = await self._snapshots.newest()
        view = None if kept is None else snapshots.recalled(kept, graph, input=input, read_flow=parse_plan)
        self.view = view or JournalView(graph, input=input, read_flow=parse_plan)
        self._newest = self.view.last_seq
        for entry in await self._journal.read(after=self._newest):
            self.view.fold(entry)
        return self.view

    def record(self, kind: EntryType, data: JsonObject, *, node_id: str | None = None, attempt: int = 0) -> None:
        """Note a fact; it holds for this process now and for the world after ``commit``."""
        entry = Entry(self.view.last_seq + 1, kind, self._clock.now(), node_id, attempt, self._epoch, told(data))
        self.view.fold(entry)
        self._gathered.append(entry)

    @property
    def gathered(self) -> int:
        """How many facts are not durable yet."""
        return len(self._gathered)

    async def commit(self, *, rest: Rest | None = None) -> None:
        """Make everything noted durable; let go of the run where it is to ``rest``. Raises LeaseLost."""
        if self._gathered or rest is not None:
            gathered, self._gathered = self._gathered, []
            await self._journal.append(gathered, rest=rest)
            if snapshots.is_due(self.view.last_seq, newest=self._newest) and self.view.finished is None:
                self._newest = self.view.last_seq
                if (snapshot := snapshots.written(self.view)) is not None:
                    await self._snapshots.keep(self._newest, snapshot)
