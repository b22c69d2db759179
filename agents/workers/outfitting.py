# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the runs of one flow worker reach the outside through."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from agents.adapters.claims import Claim
from agents.adapters.clock import SystemClock
from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.events import EventPublisher, RunSink
from agents.adapters.inbox import PostgresInbox
from agents.adapters.journal import PostgresJournal
from agents.adapters.journal_writer import JournalWriter
from agents.adapters.run_gate import RunGate
from agents.adapters.secrets import RunSecrets
from agents.adapters.snapshots import PostgresSnapshots
from agents.adapters.tools.room import ToolRoom
from agents.adapters.trail import RunTrail
from agents.adapters.vault_toolbox import VaultToolbox
from agents.adapters.workspaces.workspace import Workspace
from agents.engine.journal import Entry
from agents.engine.ports import InboxMessage, Ports, Toolbox
from agents.workers.loading import LoadedRun, read_entries, read_inbox, read_snapshot
from codexos.kernel.chat import ContextDocument

OpenToolbox = Callable[[ToolRoom], Toolbox]


@dataclass(frozen=True)
class Outfitter:
    """Gives each run its ports; what they share is the worker's."""

    writer: JournalWriter
    publisher: EventPublisher
    in_thread: DatabaseThreads
    in_vault: DatabaseThreads
    calls: asyncio.Semaphore
    open_toolbox: OpenToolbox
    _files: WeakValueDictionary[Claim, Workspace] = field(default_factory=WeakValueDictionary)

    def ports(self, claim: Claim, loaded: LoadedRun, *, documents: Sequence[ContextDocument]) -> Ports:
        """Return the ports of a run."""
        secrets = RunSecrets(loaded.standing, run_id=claim.run_id, in_thread=self.in_vault)
        model = loaded.model(claim.run_id, in_thread=self.in_thread, calls=self.calls, secrets=secrets)
        room = loaded.room(claim.run_id, documents, in_thread=self.in_thread, secrets=secrets, model=model)
        trail = RunTrail(loaded.standing, run_id=claim.run_id)
        self._files[claim] = room.files
        return Ports(
            journal=self.journal(claim, trail),
            model=model,
            toolbox=VaultToolbox(self.open_toolbox(room), secrets),
            sink=RunSink(self.publisher, claim.run_id),
            clock=SystemClock(),
            inbox=PostgresInbox(claim, self.writer, read=self._read_inbox),
            snapshots=PostgresSnapshots(claim, self.writer, read=self._read_snapshot),
            pictures=loaded.pictures(self.in_thread),
            secrets=secrets,
            gate=RunGate(loaded.gate, organization_id=claim.organization_id, in_thread=self.in_thread),
            trail=trail,
        )

    def take_back(self, claim: Claim) -> Workspace | None:
        """Forget a run that is not carried any more; return its files, for whoever lets go of them."""
        return self._files.pop(claim, None)

    def journal(self, claim: Claim, trail: RunTrail | None = None) -> PostgresJournal:
        """Return the journal of a run, which writes its trail beside it where there is one."""
        return PostgresJournal(claim, self.writer, publisher=self.publisher, read=self.read, trail=trail)

    async def read(self, claim: Claim, after: int) -> Sequence[Entry]:
        """Return the entries of a run that are durable."""
        return await self.in_thread(read_entries, claim.run_id, organization_id=claim.organization_id, after=after)

    async def _read_snapshot(self, claim: Claim) -> bytes | None:
        return await self.in_thread(read_snapshot, claim.run_id, organization_id=claim.organization_id)

    async def _read_inbox(self, claim: Claim) -> Sequence[InboxMessage]:
        return await self.in_thread(read_inbox, claim.run_id, organization_id=claim.organization_id)
