# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Serves a WSGI application under ASGI on lasting threads.

An answer that is whole, as nearly all are, goes from its thread to the event loop once. a2wsgi, whose request side
this uses, hands over each of its parts and has the thread wait for each, which costs as much as a query.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any

from a2wsgi.wsgi import Body, build_environ

from codexos.bodies import Message, Receive, Send
from codexos.crew import Crew
from codexos.postgres.keeping import stay_connected

Headers = list[tuple[str, str]]
WsgiApp = Callable[..., Iterable[bytes]]


class Threaded:
    """The ASGI side of a WSGI application."""

    def __init__(self, app: WsgiApp, *, threads: int) -> None:
        self._app = app
        self._crew = Crew(threads, name="wsgi", begin=stay_connected)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        loop = asyncio.get_running_loop()
        # The body's stream ends where the body does, also for one that came in chunks.
        environ = {**build_environ(scope, Body(loop, receive)), "wsgi.input_terminated": True}  # type: ignore[arg-type]
        answer = _Answer(partial(_send_and_wait, loop, send))
        work = partial(copy_context().run, answer.take_from, self._app, environ)
        for message in await self._crew.call(work):
            await send(message)


class _Answer:
    """What an application answers, as ASGI messages; lives in the application's thread."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._start: Message | None = None

    def take_from(self, app: WsgiApp, environ: dict[str, Any]) -> list[Message]:
        """Return a whole answer; send one that streams piece by piece and return what is left of it."""
        parts = app(environ, self._begin)
        try:
            if not getattr(parts, "streaming", True):
                return [self._head(), _body(b"".join(parts))]
            self._send(self._head())
            for part in parts:
                self._send(_body(part, is_last=False))
            return [_body(b"")]
        finally:
            getattr(parts, "close", lambda: None)()

    def _begin(self, status: str, headers: Headers, _error: object = None) -> None:
        written = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._start = {"type": "http.response.start", "status": int(status[:3]), "headers": written}

    def _head(self) -> Message:
        if self._start is None:
            raise RuntimeError("The application answered without calling start_response.")
        return self._start


async def _live(receive: Receive, send: Send) -> None:
    """Agree to the server's start and to its end: there is nothing to be made or undone."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


def _body(part: bytes, *, is_last: bool = True) -> Message:
    return {"type": "http.response.body", "body": part, "more_body": not is_last}


def _send_and_wait(loop: asyncio.AbstractEventLoop, send: Send, message: Message) -> None:
    """Send from a thread; a slow reader holds the thread up, so that no more is made than is taken."""

    async def sending() -> None:
        await send(message)

    asyncio.run_coroutine_threadsafe(sending(), loop).result()
