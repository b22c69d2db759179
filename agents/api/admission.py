# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How an asynchronous door lets somebody in: it asks an ordinary API view, on the threads that serve all of them.

So refusals, limits and headers are those of every other call, and whoever waits or streams afterwards holds no thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from accounts.actor import Actor

Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
R = TypeVar("R")

_ITS_OWN = {b"content-type", b"content-length", b"etag"}


@dataclass
class Doorway:
    """Stands around a view: what the door hands in, and whom the view let in to which run."""

    ticket: str | None = None
    actor: Actor | None = None
    run_id: UUID | None = None


doorway: ContextVar[Doorway | None] = ContextVar("doorway", default=None)


@dataclass
class Answer:
    """What the view answered, held back."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @property
    def kept_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that hold for another body, too."""
        return [(name, value) for name, value in self.headers if name.lower() not in _ITS_OWN]

    async def pass_on(self, send: Send) -> None:
        """Answer with it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


async def ask_view(app: App, scope: Scope, receive: Receive, *, ticket: str | None = None) -> tuple[Answer, Doorway]:
    """Ask the view at an address; whom it let in stands in the doorway."""
    answer, around = Answer(), Doorway(ticket)

    async def hold_back(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message.get("headers", ()))
        else:
            answer.body += message.get("body", b"")

    reset = doorway.set(around)
    try:
        await app(scope, receive, hold_back)
    finally:
        doorway.reset(reset)
    return answer, around


async def while_there(receive: Receive, work: Coroutine[Any, Any, R]) -> R | None:
    """Return what ``work`` gives; None, and the work is stopped, where the client leaves before it is done."""
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        for task in (doing, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
