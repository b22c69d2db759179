# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Toolbox port: the tools one run may use."""

from collections.abc import Sequence
from typing import Protocol

from agents.adapters.tools.web_search import WebSearch
from agents.engine.errors import ToolUnknown
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue


class Tool(Protocol):
    """Something a run may call."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: JsonObject, *, key: str) -> JsonValue: ...


class BuiltInToolbox:
    """The tools that come with the product, over the documents of one run."""

    def __init__(self, documents: Sequence[ContextDocument]) -> None:
        tools: Sequence[Tool] = [WebSearch(documents)]
        self._tools = {tool.spec.name: tool for tool in tools}

    def describe(self, name: str) -> ToolSpec:
        """See the port."""
        return self._tool(name).spec

    async def call(self, name: str, arguments: JsonObject, *, key: str) -> JsonValue:
        """See the port."""
        return await self._tool(name).call(arguments, key=key)

    def _tool(self, name: str) -> Tool:
        if name not in self._tools:
            raise ToolUnknown(tool=name, known=list(self._tools))
        return self._tools[name]
