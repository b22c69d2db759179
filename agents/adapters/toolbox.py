# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The tools one run may use, by name."""

from collections.abc import Iterable
from typing import Protocol

from agents.engine.errors import ToolUnknown
from agents.engine.tools import ToolSpec
from codexos.kernel.jsontypes import JsonObject, JsonValue


class Tool(Protocol):
    """Something a run may call."""

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        ...

    async def call(self, arguments: JsonObject, *, key: str) -> JsonValue:
        """Do it; ``arguments`` fit the schema. Raises CodexosError kinds."""
        ...


class ToolShelf:
    """Keeps the engine's port ``Toolbox`` over a handful of tools."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.spec.name: tool for tool in tools}

    def describe(self, name: str) -> ToolSpec:
        """Return what is known of a tool. Raises ToolUnknown."""
        return self._tool(name).spec

    async def call(self, name: str, arguments: JsonObject, *, key: str) -> JsonValue:
        """Call a tool. Raises ToolUnknown and what the tool raises."""
        return await self._tool(name).call(arguments, key=key)

    def _tool(self, name: str) -> Tool:
        if name not in self._tools:
            raise ToolUnknown(tool=name, known=list(self._tools))
        return self._tools[name]
