# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What speaks the protocol at work: its sessions, whose they are, and the calls whose clients left."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from accounts.actor import Actor
from agents.api.admission import Message, Scope, Send
from agents.mcp_server.sending import SENDER, Sender
from agents.mcp_server.server import product_manager

MOST_SESSIONS = 32
"""How many sessions one token may have open: one more ends its oldest."""
MOST_TOKENS = 1_000
"""How many tokens may have sessions open here: one more ends those of the one that was longest not heard of."""
LISTEN_SECONDS = 600.0
"""How long a client may listen without asking anything: then it comes back, and is asked again who it is."""
_SESSION = b"mcp-session-id"


class Speaker:
    """One manager of sessions at work in one event loop."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self.is_closing = False
        self._manager = manager
        self._sessions: OrderedDict[str, tuple[AuthenticatedUser, OrderedDict[str, None]]] = OrderedDict()
        self._is_up = asyncio.Event()
        self._errands: set[asyncio.Task[None]] = set()
        # In a context of its own: it is not the business of whoever happens to ask first.
        self._work = asyncio.create_task(self._run(), context=Context())

    @classmethod
    async def begin(cls, make: Callable[[], StreamableHTTPSessionManager] | None) -> "Speaker":
        """Return one that is ready."""
        speaker = cls((make or product_manager)())
        await speaker._is_up.wait()
        return speaker

    async def close(self) -> None:
        """End all sessions."""
        self.is_closing = True
        self._work.cancel()
        with suppress(asyncio.CancelledError):
            await self._work

    async def serve(self, scope: Scope, receive: Any, send: Send, *, actor: Actor, request: str) -> None:
        """Answer one message."""
        sender = Sender(actor, request=request, spawn=self.spawn)
        scope = {**scope, "user": _user(actor), SENDER: sender}
        if scope["method"] == "GET":
            await self._listen(scope, receive, send)
            return
        answered = _Watching(send)
        # Cut off from outside, which is how a server stops, this raises; so what follows is for clients that left.
        await self._manager.handle_request(scope, receive, answered)
        for give_up in sender.left:
            self.spawn(give_up())
        if answered.session is not None and not any(name == _SESSION for name, _ in scope["headers"]):
            await self._remember(answered.session, scope)

    def spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        """Have something done that nobody waits for; not by a server that stops, whose calls are cut off, too."""
        if self.is_closing:
            errand.close()
            return
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _listen(self, scope: Scope, receive: Any, send: Send) -> None:
        answered = _Watching(send)
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_SECONDS):
                await self._manager.handle_request(scope, receive, answered)
        if answered.is_open:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _remember(self, session: bytes, scope: Scope) -> None:
        user = scope["user"]
        _, mine = self._sessions.pop(user.username, (user, OrderedDict()))
        # Behind the others: who stands first was longest not heard of.
        self._sessions[user.username] = user, mine
        mine[session.decode("latin-1")] = None
        while len(mine) > MOST_SESSIONS:
            oldest, _ = mine.popitem(last=False)
            await self._end(oldest, user, scope)
        while len(self._sessions) > MOST_TOKENS:
            _, (other, theirs) = self._sessions.popitem(last=False)
            for each in theirs:
                await self._end(each, other, scope)

    async def _end(self, session: str, user: AuthenticatedUser, scope: Scope) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != _SESSION]
        ending = {**scope, "method": "DELETE", "user": user, "headers": [*headers, (_SESSION, session.encode())]}
        await self._manager.handle_request(ending, _nothing, _unheard)

    async def _run(self) -> None:
        async with self._manager.run():
            self._is_up.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.is_closing = True


class _Watching:
    """A way to answer that notes what was begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.session: bytes | None = None
        self.is_open = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.session = dict(message.get("headers", ())).get(_SESSION)
            self.is_open = True
        elif message["type"] == "http.response.body":
            self.is_open = bool(message.get("more_body"))
        await self._send(message)


def _user(actor: Actor) -> AuthenticatedUser:
    """Return the sender as the library knows it: a session answers to the token that opened it, to no other."""
    token_id = str(actor.token_id)
    return AuthenticatedUser(
        AccessToken(token="", client_id=token_id, scopes=[], subject=f"{actor.organization_id}/{actor.person_id}")
    )


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _unheard(_message: Message) -> None:
    pass
