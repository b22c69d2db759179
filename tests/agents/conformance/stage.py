# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A stage for one run, whoever keeps its journal: holders take it one after the other, each remembering nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from agents.engine.executor import Executor, Standing
from agents.engine.gate import Gate, OpenGate
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.journeys import Journey
from agents.engine.ports import Inbox, Journal, Ports, Rest
from agents.engine.replay import Replay, replay
from agents.engine.steps import RunContext
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.scripts import CallingModel, ScriptedModel
from tests.agents.engine.stage import (
    CountingModel,
    CountingTool,
    Ledger,
    Safe,
    Shelf,
    StoppedClock,
    Tool,
    Watcher,
    WorkerKilled,
)

PATIENCE_SECONDS = 20

Library = Mapping[str, JsonObject]


@dataclass(frozen=True)
class Taken:
    """A run as its present holder has it."""

    graph: FlowGraph
    run: RunContext
    journal: Journal
    inbox: Inbox


class Home(Protocol):
    """Where runs are kept. The suite is the same for all of them."""

    who: str
    """Whose messages reach the inbox, as the run sees them."""

    async def keep_flow(self, document: JsonObject) -> None:
        """Let there be a flow, or change it: runs accepted before that stay as they are."""
        ...

    async def accept(self, document: JsonObject | None, run_input: JsonValue, *, library: Library) -> UUID:
        """Keep a run of a document, or of the flow as it is now, with the flows it does as sub-flows."""
        ...

    async def go_on(self, run_id: UUID, journey: Journey, *, document: JsonObject | None, run_input: JsonValue) -> UUID:
        """Keep a run that goes on from one that has ended: with its document where there is no other."""
        ...

    async def take(self, run_id: UUID) -> Taken:
        """Take the run from whoever has it, under the next epoch; its last holder looks at one that has ended."""
        ...

    async def send(self, run_id: UUID, kind: str, data: JsonObject) -> None:
        """Put a message into the run's inbox."""
        ...

    def entries(self, run_id: UUID) -> list[Entry]:
        """Return what is durable of a run's journal."""
        ...


@dataclass
class Fate:
    """When the worker dies: at its n-th append, before or after the entries are kept."""

    appends: int = 0
    dies_at: int | None = None
    keeps_the_last: bool = False


class MortalJournal:
    """A journal whose writer dies when it is fated to."""

    def __init__(self, journal: Journal, fate: Fate) -> None:
        self._journal = journal
        self._fate = fate

    async def append(self, entries: Sequence[Entry], *, rest: Rest | None = None) -> None:
        fate = self._fate
        dies = fate.appends + 1 == fate.dies_at
        if dies:
            fate.dies_at = None
        if not dies or fate.keeps_the_last:
            await self._journal.append(entries, rest=rest)
            fate.appends += 1
        if dies:
            raise WorkerKilled

    async def read(self, after: int = 0) -> Sequence[Entry]:
        return await self._journal.read(after)


@dataclass
class Stage:
    """Everything one run needs, and a way to run it again after it died."""

    home: Home
    document: JsonObject | None
    input: JsonValue = "What now?"
    tools: Sequence[Tool] = field(default_factory=lambda: [CountingTool()])
    model: CountingModel | ScriptedModel | CallingModel = field(default_factory=CountingModel)
    library: Library = field(default_factory=dict)
    documents: Sequence[ContextDocument] = ()
    watcher: Watcher = field(default_factory=Watcher)
    clock: StoppedClock = field(default_factory=StoppedClock)
    fate: Fate = field(default_factory=Fate)
    secrets: Safe = field(default_factory=Safe)
    gate: Gate = field(default_factory=OpenGate)
    trail: Ledger = field(default_factory=Ledger)
    _run_id: UUID | None = None

    async def accept(self) -> UUID:
        """Have the run accepted, once."""
        if self._run_id is None:
            self._run_id = await self.home.accept(self.document, self.input, library=self.library)
        return self._run_id

    async def executor(self) -> Executor:
        """A fresh worker takes the run, whoever has it: nothing is remembered but the journal."""
        taken = await self.home.take(await self.accept())
        journal = MortalJournal(taken.journal, self.fate)
        shelf = Shelf(self.tools)
        more = {"secrets": self.secrets, "gate": self.gate, "trail": self.trail}
        ports = Ports(journal, self.model, shelf, self.watcher, self.clock, taken.inbox, **more)
        return Executor(taken.graph, taken.run, ports)

    async def run(self) -> Standing:
        """Take the run and carry it as far as it goes."""
        return await asyncio.wait_for((await self.executor()).advance(), PATIENCE_SECONDS)

    async def begin(self) -> "tuple[Executor, asyncio.Task[Standing]]":
        """Take the run and carry it beside the test."""
        executor = await self.executor()
        return executor, asyncio.create_task(asyncio.wait_for(executor.advance(), PATIENCE_SECONDS))

    async def send(self, kind: str, **data: Any) -> None:
        """Put a message into the run's inbox."""
        await self.home.send(await self.accept(), kind, data)

    async def go_on(
        self, journey: Journey, *, document: JsonObject | None = None, run_input: JsonValue = None
    ) -> "Stage":
        """Set a stage for a run that goes on from this one, with tools that work, before anybody takes it."""
        given = run_input if journey.has_input else self.input
        run_id = await self.home.go_on(await self.accept(), journey, document=document, run_input=given)
        kept = {"library": self.library, "gate": self.gate}
        return Stage(self.home, document or self.document, given, _run_id=run_id, **kept)

    async def replay(self) -> Replay:
        """Do the run, which has ended, once more from its record."""
        taken = await self.home.take(await self.accept())
        return await replay(taken.graph, taken.run, record=self.entries, model=self.model, toolbox=Shelf(self.tools))

    async def until_told(self, kind: str, node_id: str) -> None:
        """Wait until an entry of a node is durable."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while node_id not in self.nodes(kind):  # noqa: ASYNC110 - a journal has no event for it
                await asyncio.sleep(0.005)

    @property
    def entries(self) -> list[Entry]:
        """What is durable."""
        assert self._run_id is not None, "nobody has taken the run yet"
        return self.home.entries(self._run_id)

    def types(self) -> list[str]:
        """The types of what is durable."""
        return [entry.type for entry in self.entries]

    def of_type(self, kind: str) -> list[Entry]:
        """The durable entries of one type."""
        return [entry for entry in self.entries if entry.type == kind]

    def nodes(self, kind: str) -> list[str]:
        """The nodes of the durable entries of one type."""
        return [str(entry.node_id) for entry in self.of_type(kind)]

    @property
    def calls(self) -> list[str]:
        """The texts that tools were called with, in order."""
        return [str(arguments["text"]) for tool in self.tools for arguments, _ in getattr(tool, "calls", ())]

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of all calls of tools, in order."""
        return [key for tool in self.tools for _, key in getattr(tool, "calls", ())]
