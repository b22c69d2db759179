# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Trying a flow in process: the engine itself over a journal in memory. Nobody's rows are read or written."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.adapters.chat_model import GatewayModel
from agents.adapters.clock import SystemClock
from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.adapters.vault_toolbox import VaultToolbox
from agents.engine.documents import parse_flow
from agents.engine.executor import Executor
from agents.engine.gate import AskingNobody
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry
from agents.engine.logs import LogLine, log_line
from agents.engine.memory_journal import MemoryJournal
from agents.engine.policies.gates import PolicyGate
from agents.engine.ports import Frame, Ports
from agents.engine.steps import RunContext
from codexos.kernel.chat import ContextDocument
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue

Listener = Callable[[LogLine], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """How a trial ended: ``data`` is that of the run's last entry."""

    status: str
    data: JsonObject
    log: Sequence[LogLine]

    @property
    def reason(self) -> str:
        """Why it did not succeed; empty where it did."""
        error = self.data.get("error")
        said = error.get("message") if isinstance(error, dict) else self.data.get("message")
        return "" if self.status == "succeeded" else str(said or "")


def try_flow(
    document: JsonValue,
    *,
    input: JsonValue = "",
    documents: Sequence[ContextDocument] = (),
    on_line: Listener = lambda line: None,
) -> Trial:
    """Run a flow document to its end without a server, a database or Redis; ``on_line`` hears each line as it comes.

    Tools are the real ones: what a flow requests is requested. Raises GraphInvalid with every problem.
    """
    return asyncio.run(_carry(parse_flow(document), RunContext(new_id(), input, documents=documents), on_line))


async def _carry(graph: FlowGraph, run: RunContext, on_line: Listener) -> Trial:
    journal = _TellingJournal(on_line)
    model = GatewayModel()
    ports = Ports(
        journal=journal,
        model=model,
        toolbox=VaultToolbox(BuiltInToolbox(ToolRoom(run.documents, model=model)), None),
        sink=_NobodyWatches(),
        clock=SystemClock(),
        gate=AskingNobody(
            PolicyGate.of_the_house(), "Here nobody can be asked: run it on a server, where somebody can approve of it."
        ),
    )
    standing = await Executor(graph, run, ports).advance()
    return Trial(standing.status, standing.data, [log_line(entry) for entry in journal.entries])


class _TellingJournal(MemoryJournal):
    """Tells each entry once it is kept."""

    def __init__(self, on_line: Listener) -> None:
        super().__init__()
        self._on_line = on_line

    async def append(self, entries: Sequence[Entry], **options: Any) -> None:
        """See the port."""
        await super().append(entries, **options)
        for entry in entries:
            self._on_line(log_line(entry))


class _NobodyWatches:
    """Keeps the port ``EventSink`` where nobody sees frames."""

    def emit(self, frame: Frame) -> None:
        """See the port."""
