# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ports that lead nowhere: for what is worked out without reaching outside."""

from collections.abc import AsyncGenerator, Sequence

from agents.engine.errors import NotRecorded, ToolUnknown
from agents.engine.gate import Occasion
from agents.engine.memory_journal import MemoryJournal
from agents.engine.ports import Clock, Frame, Ports
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ChatAnswer, ChatRequest, Delta
from codexos.kernel.jsontypes import JsonObject, JsonValue


class Nowhere:
    """Keeps the ports of models, tools and frames, and passes nothing on."""

    def input_budget(self, model: str) -> int:
        """See the port: nothing is asked, so nothing fits."""
        return 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | ChatAnswer, None]:
        """Refuse. Raises NotRecorded."""
        raise NotRecorded(what=f"model {request.model!r}")
        yield

    def names(self) -> Sequence[str]:
        """Know of none."""
        return ()

    def describe(self, name: str) -> ToolSpec:
        """Know of no tool. Raises ToolUnknown."""
        raise ToolUnknown(tool=name, known=())

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Refuse. Raises NotRecorded."""
        raise NotRecorded(what=f"tool {name!r}")

    def emit(self, frame: Frame) -> None:
        """Show nobody."""


def no_ports(clock: Clock) -> Ports:
    """Return ports of which only the clock is one."""
    nowhere = Nowhere()
    return Ports(MemoryJournal(), nowhere, nowhere, nowhere, clock)
