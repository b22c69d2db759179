# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who sent a message, and how a handler asks the product something on the sender's behalf."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, cast

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from accounts.actor import Actor
from agents.operations.live import leave_connection
from codexos.kernel.context import request_id

P = ParamSpec("P")
R = TypeVar("R")
Context = ServerRequestContext[Any, Any]
Answer = types.CallToolResult | types.InputRequiredResult

SENDER = "codexos.sender"
"""Under this name the scope of a request holds its Sender."""


class Sender:
    """Who sent one message, and what to do about the call in it should its client leave."""

    def __init__(self, actor: Actor, *, request: str, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self.actor = actor
        self.request = request
        self.left: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._spawn = spawn

    def leave(self, give_up: Callable[[], Coroutine[Any, Any, None]], *, is_asked: bool) -> None:
        """Give a call up that was cut off: at once where the client asked for that, else once its line is closed."""
        if is_asked:
            self._spawn(give_up())
        else:
            self.left.append(give_up)


def sender_of(ctx: Context) -> Sender:
    """Return who sent the message that is being handled."""
    return cast(Sender, ctx.request.scope[SENDER])  # type: ignore[union-attr]


def is_modern(ctx: Context) -> bool:
    """Tell whether each message stands for itself, without a session around it."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def ask(sender: Sender, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Ask an operation or a query, which block, in a thread that keeps no connection."""

    def asking() -> R:
        request_id.set(sender.request)
        try:
            return function(*args, **kwargs)
        finally:
            leave_connection()

    return await asyncio.to_thread(asking)
