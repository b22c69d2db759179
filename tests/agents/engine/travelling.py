# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What tests of time travel share: a run that goes on from another, and a check of its replay."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.engine.executor import Executor
from agents.engine.gate import Occasion
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.journeys import Journey
from agents.engine.ports import Ports
from agents.engine.replay import Replay, replay
from agents.engine.steps import RunContext
from agents.engine.travel import Past, keep
from codexos.kernel.errors import Unavailable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import RUN_ID, CountingTool, Shelf, Stage


@dataclass
class Brittle(CountingTool):
    """Cannot be reached for the texts in ``breaks``."""

    name: str = "Echo"
    breaks: set[str] = field(default_factory=set)

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        answer = await super().call(arguments, on=on)
        if arguments["text"] in self.breaks:
            raise Unavailable("Nobody is there. Try again.")
        return answer


@dataclass
class Traveller(Stage):
    """A stage whose run goes on from another one."""

    kept: Sequence[Entry] = ()

    def executor(self) -> Executor:
        self.epoch += 1
        run = RunContext(RUN_ID, self.input, self.epoch, self.documents, self.kept)
        ports = Ports(self.journal, self.model, Shelf(self.tools), self.watcher, self.clock, self.inbox)
        return Executor(self.graph, run, ports)


def stage(document: JsonObject | FlowGraph, *, input: JsonValue = "What now?", breaks: Sequence[str] = ()) -> Stage:
    return Stage(document, input=input, tools=[Brittle(breaks=set(breaks))])


def past_of(was: Stage) -> Past:
    return Past(was.graph, was.input, was.journal.entries)


def journey(was: Stage, asked: Journey, *, document: Any = None, input: JsonValue = None) -> Traveller:
    """A run that goes on from another, with tools that work."""
    now = was.document if document is None else document
    given = was.input if input is None else input
    traveller = Traveller(now, input=given, tools=[Brittle()])
    traveller.kept = keep(asked, past_of(was), graph=traveller.graph, input=given)
    return traveller


def calls(on: Stage) -> list[str]:
    return [str(arguments["text"]) for arguments, _ in on.tools[0].calls]  # type: ignore[attr-defined]


async def replayed(was: Stage) -> Replay:
    run = RunContext(RUN_ID, was.input, was.epoch)
    return await replay(was.graph, run, record=was.journal.entries, model=was.model, toolbox=Shelf(was.tools))


async def check_replay(was: Stage) -> None:
    before = [len(tool.calls) for tool in was.tools]  # type: ignore[attr-defined]
    found = await replayed(was)
    assert [each.as_data() for each in found.differences] == []
    assert found.compared == len(was.journal.entries)
    assert found.output == was.journal.entries[-1].data.get("output")
    assert [len(tool.calls) for tool in was.tools] == before  # type: ignore[attr-defined]
