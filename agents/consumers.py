# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run watched over a WebSocket: the same events as the server-sent ones, and close codes that say what to do next.

Every socket is accepted first and closed with a code where it is refused, since browsers tell their pages nothing of
an HTTP status. A code of the 4000s is 4000 and the status that HTTP would answer.
"""

import asyncio
import json
import logging
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.rest.problems import problem_of
from agents.api.admission import App, Receive, Scope, Send, ask_view
from agents.api.doors import FOLLOW_SECONDS
from agents.errors import FollowerTooSlow
from agents.operations.live import follow_run
from agents.queries.live import is_seq
from codexos.kernel.errors import CodexosError, NotAllowed

logger = logging.getLogger(__name__)

DONE, COME_BACK, FLOODED, BROKEN = 1000, 1001, 1008, 1011
BAD_AFTER, TOO_SLOW = 4400, 4408
MOST_MESSAGES = 20
"""How many messages a client may send at once, and how many more a minute: nobody reads them."""
_CLOSE_SECONDS = 10.0
_LONGEST_REASON = 120
_FORWARDED = frozenset(
    (b"authorization", b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id", b"user-agent")
)


class Refused(Exception):
    """The socket is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class TicketTaker:
    """Takes the ticket out of a socket's address before anything can log it."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tickets = [value for name, value in pairs if name == "ticket"]
        # In place: the server logs the address from this very mapping.
        scope["query_string"] = urlencode([pair for pair in pairs if pair[0] != "ticket"]).encode()
        scope["ticket"] = tickets[-1] if tickets else None
        await self._app(scope, receive, send)


class RunSocket:
    """``/ws/runs/<id>/?after=<seq>``."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            after = _after(scope["query_string"])
            actor, run_id = await self._admit(scope)
        except Refused as refused:
            await _close(send, refused.code, refused.reason)
            return
        sending = asyncio.create_task(_send_events(actor, run_id, after=after, send=send))
        try:
            if await _is_flooded(receive):
                sending.cancel()
                await _close(send, FLOODED, "Nobody reads what you send here, and it is too much.")
        finally:
            sending.cancel()

    async def _admit(self, scope: Scope) -> tuple[Actor, UUID]:
        _check_origin(scope)
        answer, around = await ask_view(self._app, _as_request(scope), _no_body, ticket=scope["ticket"])
        if around.actor is None or around.run_id is None:
            raise Refused(4000 + answer.status, _detail(answer.body))
        return around.actor, around.run_id


async def nowhere(_scope: Scope, receive: Receive, send: Send) -> None:
    """Close a socket to an address that nobody serves."""
    await receive()
    await send({"type": "websocket.accept"})
    await _close(send, 4404, "There is nothing at this address.")


async def _send_events(actor: Actor, run_id: UUID, *, after: int, send: Send) -> None:
    code, reason = DONE, ""
    try:
        events = follow_run(actor, run_id, after=after, is_strict=True)
        async with asyncio.timeout(FOLLOW_SECONDS), aclosing(events):
            async for event in events:
                await send({"type": "websocket.send", "text": event.text})
    except TimeoutError:
        code, reason = COME_BACK, "Come back with the last seq; who you are is looked at again."
    except FollowerTooSlow as error:
        code, reason = TOO_SLOW, error.message
    except CodexosError as error:
        code, reason = _code_of(error), error.message
    except Exception as error:
        code, reason = _code_of(error), "The stream broke off. Come back with the last seq."
        logger.exception("the socket of run %s broke off", run_id)
    await _close(send, code, reason)


async def _is_flooded(receive: Receive) -> bool:
    """Return when the client has gone, or has sent too much."""
    clock = asyncio.get_running_loop().time
    began, messages = clock(), 0
    while (await receive())["type"] != "websocket.disconnect":
        messages += 1
        if messages > MOST_MESSAGES * (1 + (clock() - began) / 60):
            return True
    return False


async def _close(send: Send, code: int, reason: str) -> None:
    told = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
    try:
        # A client that takes nothing does not take this either; the line then ends without a word.
        async with asyncio.timeout(_CLOSE_SECONDS):
            await send({"type": "websocket.close", "code": code, "reason": told})
    except (TimeoutError, OSError):
        return


def _code_of(error: Exception) -> int:
    status = problem_of(error).status
    return BROKEN if status == 500 else 4000 + status


def _after(query: bytes) -> int:
    offered = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("after", "0")
    if not is_seq(offered):
        raise Refused(BAD_AFTER, "after must be the last seq you saw: a whole number, 0 for everything.")
    return int(offered)


def _check_origin(scope: Scope) -> None:
    """Refuse pages of other sites. A ticket or a token alone would do: they hold neither, and cookies count nothing."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    scheme = "https" if settings.IS_SECURE else "http"
    own = f"{scheme}://{headers.get(b'host', b'').decode('latin-1')}"
    if origin and origin not in {own, *settings.CSRF_TRUSTED_ORIGINS}:
        raise Refused(_code_of(NotAllowed("")), "Pages of other sites may not watch runs here.")


def _as_request(scope: Scope) -> dict[str, Any]:
    """Return the question whether this run may be followed, as HTTP; cookies are left out on purpose."""
    path = f"/api/v1/runs/{scope['url_route']['kwargs']['run_id']}/events"
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https" if scope.get("scheme") == "wss" else "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name, value) for name, value in scope["headers"] if name in _FORWARDED],
        "client": scope.get("client"),
        "server": scope.get("server"),
    }


async def _no_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return ""
