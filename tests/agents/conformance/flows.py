# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Documents of flows as the cases draw them, and tools that do what a case needs."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from agents.engine.gate import Occasion
from codexos.kernel.errors import Conflict, Unavailable
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingTool

Box = dict[str, Any]


def flow(*nodes: Box, first: Any = None, entry: Box | None = None, end: Box | None = None) -> JsonObject:
    """A flow whose entry leads to the first of ``nodes``, or to ``first``, with an exit called ``end``."""
    start = {"id": "start", "type": "entry", "next": first or nodes[0]["id"], **(entry or {})}
    return {"id": "case", "nodes": [start, *nodes, {"id": "end", "type": "exit", **(end or {})}]}


def tool(node_id: str, next: Any = "end", *, name: str = "Echo", **more: Any) -> Box:
    """A call of a tool with its node's id as the text."""
    return {"id": node_id, "type": "tool", "tool": name, "arguments": {"text": node_id}, "next": next, **more}


def llm(node_id: str, next: Any = "end", **more: Any) -> Box:
    """A question to a model."""
    return {"id": node_id, "type": "llm", "prompt": node_id, "next": next, **more}


def choice(node_id: str, **more: Any) -> Box:
    """A choice of the way on."""
    return {"id": node_id, "type": "condition", **more}


def approval(node_id: str, ways: Box, **more: Any) -> Box:
    """A question to people, and the ways on by their answer."""
    return {"id": node_id, "type": "approval", "next": ways, **more}


def mapped(node_id: str, *nodes: Box, over: Any, **more: Any) -> Box:
    """A map whose body are these nodes, the last of which leads to its end."""
    return {"id": node_id, "type": "map", "over": over, "body": _body(nodes), "next": "end", **more}


def looped(node_id: str, *nodes: Box, **more: Any) -> Box:
    """A loop whose body are these nodes, the last of which leads to its end."""
    return {"id": node_id, "type": "loop", "body": _body(nodes), "next": "end", **more}


def _body(nodes: tuple[Box, ...]) -> JsonObject:
    return {"nodes": flow(*nodes)["nodes"]}


@dataclass
class Gate(CountingTool):
    """A tool whose calls wait until they are let through, by their text."""

    name: str = "Gate"
    open: set[str] = field(default_factory=set)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: list[str] = field(default_factory=list)

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        text = str(arguments["text"])
        async with self.moved:
            self.calls.append((arguments, on.key))
            self.moved.notify_all()
            await self.moved.wait_for(lambda: text in self.open)
        self.ended.append(text)
        return {"text": f"through {text}"}

    async def let(self, *texts: str) -> None:
        """Let calls through, those of now and those to come."""
        async with self.moved:
            self.open.update(texts)
            self.moved.notify_all()

    async def until_called(self, times: int) -> None:
        """Wait for the n-th call."""
        async with self.moved:
            await self.moved.wait_for(lambda: len(self.calls) >= times)


@dataclass
class Shaky(CountingTool):
    """A tool that is away for its first calls, or always fails for good."""

    name: str = "Shaky"
    away_times: int = 0
    is_broken: bool = False

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        given = await super().call(arguments, on=on)
        if self.is_broken:
            raise Conflict("The shop is closed for good. Go elsewhere.")
        if self.away_times:
            self.away_times -= 1
            raise Unavailable("The shop is closed today. Try again.")
        return given


@dataclass
class Giving(CountingTool):
    """A tool that gives what it was told to, whatever that is."""

    name: str = "Giving"
    gift: Any = None

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.calls.append((arguments, on.key))
        given: JsonValue = self.gift
        return given
