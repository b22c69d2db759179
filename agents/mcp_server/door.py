# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Where messages of the protocol come in. For each of them an ordinary API view decides who sends it."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.api.admission import App, Message, Receive, Scope, Send, ask_view

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager as Manager

    from agents.mcp_server.speaker import Speaker

BEGIN_SECONDS = 30.0
_BODY = {b"content-length", b"transfer-encoding", b"content-type", b"expect"}
_OF_PROTOCOL = {b"content-type", b"content-length", b"cache-control", b"allow", b"vary"}


class McpDoor:
    """``/mcp``. ``make`` makes what speaks the protocol, once for each event loop; by default the product does."""

    def __init__(self, app: App, *, make: "Callable[[], Manager] | None" = None) -> None:
        self._app = app
        self._make = make
        self._speakers: dict[asyncio.AbstractEventLoop, asyncio.Task[Speaker]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer, around = await ask_view(self._app, _without_body(scope), _nothing)
        if around.actor is None or answer.status != 200:
            await answer.pass_on(send)
            return
        speaker = await asyncio.shield(self._speaker())
        kept = [(name, value) for name, value in answer.headers if name.lower() not in _OF_PROTOCOL]
        current = _request_id(kept)
        await speaker.serve(_trimmed(scope), receive, _adding(send, kept), actor=around.actor, request=current)

    async def close(self) -> None:
        """End all sessions of this event loop."""
        task = self._speakers.pop(asyncio.get_running_loop(), None)
        if task is not None:
            await (await task).close()

    def _speaker(self) -> "asyncio.Task[Speaker]":
        loop = asyncio.get_running_loop()
        known = self._speakers.get(loop)
        if known is None or (known.done() and (known.cancelled() or known.exception() is not None)):
            # One that did not come up is no reason for the next to be told so for ever.
            for old in [known for known in self._speakers if known.is_closed()]:
                del self._speakers[old]
            self._speakers[loop] = asyncio.create_task(self._begin())
        return self._speakers[loop]

    async def _begin(self) -> "Speaker":
        # The library takes a second to load, in which the loop goes on.
        async with asyncio.timeout(BEGIN_SECONDS):
            return await (await asyncio.to_thread(_speaker_class)).begin(self._make)


def _speaker_class() -> "type[Speaker]":
    from agents.mcp_server.speaker import Speaker

    return Speaker


def _without_body(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _BODY]
    return {**scope, "path": "/mcp", "raw_path": b"/mcp", "headers": headers}


def _request_id(headers: list[tuple[bytes, bytes]]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"x-request-id"), "")


def _trimmed(scope: Scope) -> Scope:
    """Return a request without the blanks around its headers, which are no part of them; servers leave some."""
    return {**scope, "headers": [(name, value.strip(b" \t")) for name, value in scope["headers"]]}


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _adding(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """Return a way to answer that adds what the view said of every answer."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers, _UNKEPT]}
        await send(message)

    return adding


_UNKEPT = (b"x-accel-buffering", b"no")
