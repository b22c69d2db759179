# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The two kinds of server that speak the Model Context Protocol: how they are looked over, read and called."""

import sys
from urllib.parse import urlsplit

from agents.adapters.shelves.keys import check_auth
from agents.adapters.shelves.kinds import ReadServer, ServerPlace
from agents.adapters.shelves.mcp_client.catalogue import check_command, known_command
from agents.adapters.tools.room import ToolRoom
from agents.engine.gate import Occasion
from agents.engine.offered import OfferedTool
from agents.engine.tools import ToolSpec
from agents.errors import ToolServerInvalid
from agents.models import ServerKind
from codexos.kernel.jsontypes import JsonObject, JsonValue

TIMEOUT_SECONDS = 120.0
_SESSIONS = "agents.adapters.shelves.mcp_client.sessions"
TRANSPORTS = ("", "http", "sse")
SIGN_IN = "sign_in"
"""How a key is sent that a person gets by signing in: agents/operations/tool_sign_ins.py."""
RESULT_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What the server says in words."},
        "json": {"description": "What it gives for programs; null where that is too large."},
        "left_out": {"type": "array", "description": "What is neither: pictures, sounds and other bytes."},
        "truncated": {"type": "boolean"},
    },
    "required": ["text", "left_out"],
}


class McpAdapter:
    """Keeps the port ``ServerAdapter`` for both kinds."""

    def check(self, place: ServerPlace) -> None:
        """See the port."""
        if place.kind == ServerKind.MCP_STDIO:
            check_command(place)
            return
        if place.auth.get("how") != SIGN_IN:
            check_auth(place)
        parts = urlsplit(place.address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ToolServerInvalid("address", "Say where the server listens: an address with https:// or http://.")
        if place.config.get("transport", "") not in TRANSPORTS:
            raise ToolServerInvalid("config", "The transport is 'http' or 'sse'; left out, it is found out.")
        if place.auth.get("how") == "api_key" and place.auth.get("in") != "header":
            raise ToolServerInvalid("auth", "A server of this kind takes its key in a header.")

    async def read(self, place: ServerPlace, room: ToolRoom, *, document: str | None) -> ReadServer:
        """See the port."""
        if place.auth.get("how") == SIGN_IN and not place.key:
            # Nobody has signed in yet, so there is nothing to read.
            return ReadServer([])
        # Not above: who only lists and checks need not load the library.
        from agents.adapters.shelves.mcp_client.calling import read_server

        return await read_server(place, room)

    def tool(self, place: ServerPlace, offered: OfferedTool, room: ToolRoom) -> "McpTool":
        """See the port."""
        return McpTool(place, offered, room)


async def close_sessions() -> None:
    """End the sessions of this event loop: for a worker that stops. Where none was opened, nothing is loaded."""
    if (sessions := sys.modules.get(_SESSIONS)) is not None:
        await sessions.close_sessions()


class McpTool:
    """One tool of a server."""

    def __init__(self, place: ServerPlace, offered: OfferedTool, room: ToolRoom) -> None:
        self._place = place
        self._offered = offered
        self._room = room

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it. That it only reads is the server's word, which counts where people said so."""
        trusts = self._place.config.get("trust_read_only") is True
        is_read = self._offered.reads_only or (trusts and self._offered.call.get("says_read_only") is True)
        key = (f"secret:{self._place.key}",) if self._place.key else ()
        return ToolSpec(
            name=f"{self._place.name}.{self._offered.name}",
            description=self._offered.description,
            schema=self._offered.schema,
            result_schema=RESULT_SCHEMA,
            capabilities=(*(("read",) if is_read else ("read", "write")), *self._reaches(), *key),
            reads_only=is_read,
            timeout_seconds=TIMEOUT_SECONDS,
            fingerprint=self._place.fingerprint_of(self._offered),
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Ask the server. Raises ToolFailed, ToolUnavailable, ToolNotReady and what the gate raises."""
        from agents.adapters.shelves.mcp_client.calling import call_server

        return await call_server(self._place, self._offered, self._room, arguments=arguments, on=on)

    def _reaches(self) -> tuple[str, ...]:
        if self._place.kind == ServerKind.MCP_STDIO:
            entry = known_command(str(self._place.config.get("command", "")))
            return ("exec", *(f"egress:{host}" for host in (entry.hosts if entry else ())))
        return (f"egress:{urlsplit(self._place.address).hostname or '*'}",)
