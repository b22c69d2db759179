# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model that asks for tools is given what they say, until it answers or has taken as many steps as it may."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from codexos.kernel.chat import ChatAnswer, ChatModel, ChatRequest, Delta, Message, ToolCall, ToolOffer, Usage
from codexos.kernel.errors import Broken, CodexosError
from codexos.kernel.jsontypes import JsonObject
from codexos.kernel.schemas import mismatches
from codexos.kernel.tool_calls import read_arguments, told_failed, told_misfit, told_unknown, told_unreadable
from llm.errors import ToolStepsSpent

MOST_AT_ONCE = 8
MOST_CHARACTERS = 100_000
"""Of what one tool says: a model reads no more of it."""

CallTool = Callable[[ToolCall, JsonObject], Awaitable[str]]
"""Calls a tool that was offered, with arguments that fit its schema; gives what it says."""


async def answer_with_tools(
    model: ChatModel, request: ChatRequest, *, call: CallTool, most_steps: int
) -> AsyncGenerator[Delta | ChatAnswer]:
    """Ask, call what is asked for, all at once, and ask again: deltas as they come, then the answer that needs no tool.

    A wrong call and a tool that fails are told to the model in words. Raises ToolStepsSpent, and what the port raises.
    """
    spent, key = Usage(), request.key
    for step in range(1, most_steps + 1):
        async with aclosing(model.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Delta):
                    yield piece
                    continue
                answer = piece
        spent += answer.usage
        if not answer.calls:
            yield replace(answer, usage=spent)
            return
        if step == most_steps:
            # Whatever these would do, nobody would read what they say.
            break
        said = await _said(request.tools, answer.calls, call=call)
        mine = Message("assistant", answer.text, calls=answer.calls)
        # Who had to ask for a tool has done so; held to it, it could never answer.
        messages = [*request.messages, mine, *said]
        request = replace(request, messages=messages, tool_choice="auto", key=key and f"{key}-{step}")
    raise ToolStepsSpent(model=answer.model, most=most_steps, usage=spent)


async def _said(tools: Sequence[ToolOffer], calls: Sequence[ToolCall], *, call: CallTool) -> Sequence[Message]:
    """Call all at once; one that is cancelled takes the others along."""
    gate = asyncio.Semaphore(MOST_AT_ONCE)

    async def one(asked: ToolCall) -> str:
        async with gate:
            return await _told(tools, asked, call=call)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(asked)) for asked in calls]
    except BaseExceptionGroup as several:
        # The first bug is the one to see.
        raise several.exceptions[0] from None
    return [
        Message("tool", task.result()[:MOST_CHARACTERS], call_id=asked.id)
        for asked, task in zip(calls, tasks, strict=True)
    ]


async def _told(tools: Sequence[ToolOffer], asked: ToolCall, *, call: CallTool) -> str:
    offered = next((tool for tool in tools if tool.name == asked.name), None)
    if offered is None:
        return told_unknown(asked.name, [tool.name for tool in tools])
    arguments = read_arguments(asked.arguments)
    if isinstance(arguments, str):
        return told_unreadable(asked.name, arguments)
    if wrong := mismatches(arguments, offered.schema):
        return told_misfit(asked.name, wrong)
    try:
        return await call(asked, arguments)
    except Broken:
        raise
    except CodexosError as error:
        return told_failed(asked.name, error.message)
