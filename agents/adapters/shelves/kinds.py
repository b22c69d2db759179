# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The kinds of tool server: how each is read and called. One line of the table for each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from agents.adapters.tools.room import Tool, ToolRoom
from agents.engine.offered import OfferedTool
from agents.models import ToolServer
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """What a call needs to know of a server; a row of the database without its database."""

    id: UUID
    name: str
    kind: str
    address: str = ""
    config: JsonObject = field(default_factory=dict)
    auth: JsonObject = field(default_factory=dict)
    key: str = ""

    @classmethod
    def of(cls, row: ToolServer) -> "ServerPlace":
        """Return that of a row."""
        return cls(row.pk, row.name, row.kind, row.address, config=row.config, auth=row.auth, key=row.key)

    def fingerprint_of(self, tool: OfferedTool) -> str:
        """Return the SHA-256, in hex, of where and how a tool is called: approvals are for this, not for its name."""
        place: JsonObject = {"config": self.config, "auth": self.auth}
        parts = [str(self.id), self.kind, self.address, place, self.key, tool.fingerprint]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dict).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ReadServer:
    """What was read of a server: its tools, the document they stand in, and what that says of it and of its key."""

    tools: Sequence[OfferedTool]
    document: JsonValue = None
    description: str = ""
    auth: JsonObject = field(default_factory=dict)


class ServerAdapter(Protocol):
    """How servers of one kind are spoken to."""

    def check(self, place: ServerPlace) -> None:
        """Look over what is said of a server, with nobody asked. Raises ToolServerInvalid."""
        ...

    async def read(self, place: ServerPlace, room: ToolRoom, *, document: str | None) -> ReadServer:
        """List what a server offers; from ``document`` where that was handed over. Raises CodexosError kinds."""
        ...

    def tool(self, place: ServerPlace, offered: OfferedTool, room: ToolRoom) -> Tool:
        """Return one of its tools, ready to be called."""
        ...
