# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Opening a session with a server: over HTTP by either transport, or with a command in the sandbox."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import mcp_types as types
from django.conf import settings
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from agents.adapters.sandbox import Sandbox
from agents.adapters.shelves.keys import auth_of
from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.shelves.mcp_client.catalogue import catalogue, job_of
from agents.adapters.shelves.mcp_client.offers import offers_of
from agents.adapters.shelves.mcp_client.process import Process
from agents.adapters.shelves.mcp_client.wire import Wire
from agents.adapters.tools.code_jobs import way_out
from agents.adapters.tools.room import ToolRoom
from agents.engine.offered import OfferedTool
from agents.errors import ToolFailed, ToolUnavailable
from agents.errors.mcp import ToolServerAsksForSignIn
from agents.models import ServerKind
from codexos.kernel.errors import CodexosError
from codexos.kernel.redaction import Redactor

logger = logging.getLogger(__name__)

OPENING_SECONDS = 20.0
"""How long each message of opening may take."""
_OLDER = frozenset({400, 404, 405})
"""How servers answer that know the older transport alone."""


@dataclass(slots=True)
class Session:
    """A session with a server: what it offers as it began, and what went wrong beneath it."""

    client: Client
    trouble: "Trouble"
    offered: Mapping[str, OfferedTool] = field(default_factory=dict)
    is_over: bool = False


class Trouble:
    """Says in our words what went wrong with a server."""

    def __init__(self, place: ServerPlace) -> None:
        self._place = place
        self.redactor = Redactor(())
        self.wire: Wire | None = None
        self.process: Process | None = None

    def said_of(self, error: BaseException) -> CodexosError:
        """Return what to tell of an error of the library, or of what lies beneath it, without the server's key."""
        return self.without_key(self._said_of(error))

    def without_key(self, error: CodexosError) -> CodexosError:
        """Take the server's key out of what an error says: a server may say back what it was sent."""
        error.message = self.redactor.redact(error.message)
        error.args = (error.message,)
        error.details = {name: self.redactor.redact_json(item) for name, item in error.details.items()}
        return error

    def _said_of(self, error: BaseException) -> CodexosError:
        name = self._place.name
        if self.wire is not None and self.wire.trouble is not None:
            return self.wire.trouble
        if self.wire is not None and self.wire.status in (401, 403):
            return ToolServerAsksForSignIn(name=name, status=self.wire.status)
        if self.process is not None and (self.process.trouble or self.process.said):
            because = self.process.trouble or f"it said {self.process.said!r}"
            return ToolUnavailable(f"Tool server {name!r} broke off: {because}.")
        for found in _leaves(error):
            if isinstance(found, CodexosError):
                return found
            if isinstance(found, MCPError):
                return _of_protocol(name, found)
        return ToolUnavailable(f"Tool server {name!r} did not answer as the protocol asks. Try again later.")


@asynccontextmanager
async def opened(place: ServerPlace, room: ToolRoom) -> AsyncIterator[Session]:
    """Open a session while the block runs. Raises ToolUnavailable, ToolFailed, EgressRefused and their kinds."""
    trouble = Trouble(place)
    try:
        if place.kind == ServerKind.MCP_STDIO:
            async with _of_command(place, room, trouble=trouble) as transport, _talking(transport, trouble) as session:
                yield session
        else:
            async with _over_http(place, room, trouble=trouble) as session:
                yield session
    except CodexosError as error:
        trouble.without_key(error)
        raise
    except (Exception, BaseExceptionGroup) as error:
        logger.info("tool server %s: %s", place.name, trouble.redactor.redact(repr(error)))
        raise trouble.said_of(error) from error


@asynccontextmanager
async def _over_http(place: ServerPlace, room: ToolRoom, *, trouble: Trouble) -> AsyncIterator[Session]:
    """Speak the current transport, and the older one to a server that knows that alone."""
    # Who signed in has a token in the vault, which is sent as any other.
    how = "bearer" if place.auth.get("how") == "sign_in" else place.auth.get("how", "none")
    sent = await auth_of(replace(place, auth={**place.auth, "how": how}), room)
    trouble.redactor = sent.redactor
    egress = room.egress.narrowed_to(place.address)
    egress = replace(egress, sealed_only=egress.sealed_only or bool(place.key))
    wire = trouble.wire = Wire(egress, headers=sent.headers)
    is_open = False
    try:
        if place.config.get("transport") != "sse":
            async with wire.client() as http:
                transport = streamable_http_client(place.address, http_client=http)
                async with _talking(transport, trouble) as session:
                    is_open = True
                    yield session
                    return
    except (Exception, BaseExceptionGroup):
        if is_open or wire.status not in _OLDER or place.config.get("transport") == "http":
            raise
    wire = trouble.wire = Wire(egress, headers=sent.headers)

    def made(headers: Any = None, timeout: Any = None, auth: Any = None) -> Any:
        return wire.client()

    older = sse_client(place.address, httpx_client_factory=made)
    async with _talking(older, trouble) as session:
        yield session


@asynccontextmanager
async def _of_command(place: ServerPlace, room: ToolRoom, *, trouble: Trouble) -> AsyncIterator[Any]:
    entry = catalogue().entry(str(place.config.get("command", "")))
    key = ""
    if place.key and entry.key_env and room.secrets is not None:
        key = (await room.secrets.open([place.key], tool=place.name))[place.key].strip()
        trouble.redactor = Redactor([key])
    job = job_of(entry, key=key)
    # What the operator lets this command reach, as far as the organization lets its tools reach it.
    async with (
        way_out(room, entry.hosts) as proxy,
        Sandbox(settings.SANDBOX_SOCKET).open(replace(job, proxy=proxy)) as live,
    ):
        trouble.process = Process(live)
        yield trouble.process.streams()


@asynccontextmanager
async def _talking(transport: Any, trouble: Trouble) -> AsyncIterator[Session]:
    client = Client(
        transport,
        mode="auto",
        cache=None,
        read_timeout_seconds=OPENING_SECONDS,
        client_info=types.Implementation(name="codexos", version="0.1.0", title="CodexOS"),
    )
    async with client:
        offered = [_without_key(tool, trouble.redactor) for tool in await offers_of(client)]
        yield Session(client, trouble, {tool.name: tool for tool in offered})


def _without_key(tool: OfferedTool, redactor: Redactor) -> OfferedTool:
    said = redactor.redact(tool.description)
    return tool if said == tool.description else replace(tool, description=said)


def _of_protocol(name: str, error: MCPError) -> CodexosError:
    said = str(error.message)[:500]
    if error.code in (types.REQUEST_TIMEOUT, types.CONNECTION_CLOSED, types.INTERNAL_ERROR):
        return ToolUnavailable(f"Tool server {name!r} did not answer: {said}. Try again later.")
    return ToolFailed(f"Tool server {name!r} refused: {said} ({error.code}).")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    if isinstance(error, ValidationError):
        return []
    return [error]
