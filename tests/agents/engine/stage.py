# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A stage for the engine: journals that fail on command, models and tools that count, and a clock that stands still."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from agents.engine.documents import parse_flow
from agents.engine.errors import ToolUnknown
from agents.engine.executor import Executor, Standing
from agents.engine.gate import Gate, Occasion, OpenGate
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.memory_journal import MemoryJournal, MemorySnapshots
from agents.engine.ports import Frame, InboxMessage, NoPictures, NoSecrets, NotedCall, Pictures, Ports, Rest, Secrets
from agents.engine.replay import replay
from agents.engine.steps import RunContext
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, ContextDocument, Delta, Usage
from codexos.kernel.errors import NotFound, Unavailable
from codexos.kernel.jsontypes import JsonObject, JsonValue

RUN_ID = UUID("01890000-0000-7000-8000-000000000001")

BLUEPRINT: JsonObject = {
    "id": "agent-1",
    "nodes": [
        {"id": "start", "type": "entry", "next": "planner"},
        {"id": "planner", "type": "llm", "model": "gpt-4", "next": "tool_selector"},
        {"id": "tool_selector", "type": "tool", "tool": "WebSearch", "next": "summarizer"},
        {"id": "summarizer", "type": "llm", "model": "claude-3-opus", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}


class WorkerKilled(Exception):
    """The process died here, as far as the engine can tell."""


class StoppedClock:
    """Moves on only when somebody sleeps, which takes no time and is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


class Watcher:
    """Keeps every frame it is shown."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def emit(self, frame: Frame) -> None:
        self.frames.append(frame)


class MortalJournal(MemoryJournal):
    """Kills the worker at its n-th append, before or after the entries are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.dies_at: int | None = None
        self.keeps_the_last = False

    async def append(self, entries: Sequence[Entry], *, rest: Rest | None = None) -> None:
        dies = self.appends + 1 == self.dies_at
        if dies:
            self.dies_at = None
        if not dies or self.keeps_the_last:
            await super().append(entries, rest=rest)
        if dies:
            raise WorkerKilled


@dataclass
class CountingModel:
    """Says what it was asked, in two pieces, and remembers every request."""

    requests: list[ChatRequest] = field(default_factory=list)
    unavailable_times: int = 0
    hangs: bool = False
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    budget: int = 400_000

    def input_budget(self, model: str) -> int:
        return self.budget

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        self.requests.append(request)
        self.was_asked.set()
        if self.hangs:
            yield Delta("I am thin")
            await asyncio.sleep(3600)
        if self.unavailable_times:
            self.unavailable_times -= 1
            raise Unavailable("The model is having a rest. Try again.")
        text = f"[{request.model}] {request.messages[-1].text}"
        yield Delta(text[:5])
        yield Delta(text[5:])
        yield ChatAnswer(text, request.model, Usage(10, 5, Decimal("0.001")))


@dataclass
class CountingTool:
    """Echoes its text, and remembers every call with its key."""

    name: str = "Echo"
    reads_only: bool = True
    calls: list[tuple[JsonObject, str]] = field(default_factory=list)
    kills: bool = False

    @property
    def spec(self) -> ToolSpec:
        schema: JsonObject = {
            "type": "object",
            "properties": {"text": {"type": "string"}, "times": {"type": "integer"}},
            "required": ["text"],
            "additionalProperties": False,
        }
        return ToolSpec(self.name, "Echoes.", schema, reads_only=self.reads_only)

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.calls.append((arguments, on.key))
        if self.kills:
            self.kills = False
            raise asyncio.CancelledError
        return {"text": f"echo of {arguments['text']}", "results": [{"url": "https://example.org/1"}]}


class Tool(Protocol):
    """Something a run may call."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue: ...


@dataclass
class Shelf:
    """The tools of one run, by name."""

    tools: Sequence[Tool]

    def names(self) -> Sequence[str]:
        return [tool.spec.name for tool in self.tools]

    def describe(self, name: str) -> ToolSpec:
        return self._tool(name).spec

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        return await self._tool(name).call(arguments, on=on)

    def _tool(self, name: str) -> Tool:
        for tool in self.tools:
            if tool.spec.name == name:
                return tool
        raise ToolUnknown(tool=name, known=[tool.spec.name for tool in self.tools])


@dataclass
class Safe:
    """Knows which secrets there are, and who looked for which."""

    keys: frozenset[str] = frozenset({"github", "my.key"})
    looks: list[str] = field(default_factory=list)

    async def check(self, key: str) -> None:
        self.looks.append(key)
        if key not in self.keys:
            raise NotFound(f"No secret {key!r} that may be used here. Put it, or check the key.")


@dataclass
class Ledger:
    """Keeps what is written of calls that are not made."""

    noted: list[NotedCall] = field(default_factory=list)

    def note_calls(self, calls: Sequence[NotedCall]) -> None:
        self.noted.extend(calls)

    @property
    def actions(self) -> list[str]:
        return [each.action for each in self.noted]


@dataclass
class Box:
    """An inbox that people put messages into."""

    messages: list[InboxMessage] = field(default_factory=list)

    async def read(self) -> Sequence[InboxMessage]:
        return list(self.messages)


@dataclass
class Stage:
    """Everything a run needs, and a way to run it again after it died."""

    document: JsonObject | FlowGraph = field(default_factory=lambda: BLUEPRINT)
    input: JsonValue = "What now?"
    model: ChatModel = field(default_factory=CountingModel)
    tools: Sequence[Tool] = field(default_factory=lambda: [CountingTool("WebSearch")])
    documents: Sequence[ContextDocument] = ()
    journal: MortalJournal = field(default_factory=MortalJournal)
    watcher: Watcher = field(default_factory=Watcher)
    clock: StoppedClock = field(default_factory=StoppedClock)
    inbox: Box = field(default_factory=Box)
    snapshots: MemorySnapshots = field(default_factory=MemorySnapshots)
    secrets: Secrets = field(default_factory=NoSecrets)
    pictures: Pictures = field(default_factory=NoPictures)
    gate: Gate = field(default_factory=OpenGate)
    labels: frozenset[str] = frozenset()
    epoch: int = 0

    @property
    def graph(self) -> FlowGraph:
        return self.document if isinstance(self.document, FlowGraph) else parse_flow(self.document)

    def executor(self) -> Executor:
        """A fresh worker takes the run: nothing is remembered but the journal."""
        self.epoch += 1
        run = RunContext(RUN_ID, self.input, self.epoch, self.documents, labels=self.labels)
        kept = (self.inbox, self.snapshots, self.secrets)
        more = {"pictures": self.pictures, "gate": self.gate}
        ports = Ports(self.journal, self.model, Shelf(self.tools), self.watcher, self.clock, *kept, **more)
        return Executor(self.graph, run, ports)

    async def run(self) -> Standing:
        """Carry the run as far as it goes; whatever came of it, its record replays to the same."""
        standing = await self.executor().advance()
        if self.types()[-1:] == ["run.finished"]:
            await self.check_replay()
        return standing

    async def check_replay(self) -> None:
        run, record = RunContext(RUN_ID, self.input, self.epoch, self.documents), self.journal.entries
        found = await replay(self.graph, run, record=record, model=self.model, toolbox=Shelf(self.tools))
        assert [each.as_data() for each in found.differences] == []
        assert found.compared == len(record)

    def types(self) -> list[str]:
        return [entry.type for entry in self.journal.entries]

    def of_type(self, kind: str) -> list[Entry]:
        return [entry for entry in self.journal.entries if entry.type == kind]


def chain(*nodes: JsonObject) -> JsonObject:
    """A flow from an entry through ``nodes`` to an exit, each leading to the next."""
    ids = [*(str(node["id"]) for node in nodes), "end"]
    middle = [{**node, "next": follower} for node, follower in zip(nodes, ids[1:], strict=True)]
    return {
        "id": "chain",
        "nodes": [{"id": "start", "type": "entry", "next": ids[0]}, *middle, {"id": "end", "type": "exit"}],
    }
