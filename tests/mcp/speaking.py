# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How tests speak to ``/mcp``: with the SDK's own client, as somebody, in either generation of the protocol."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.agents.live import Served
from tests.factories import Someone

SESSIONS = "legacy"
MODERN = "2026-07-28"
BOTH = (SESSIONS, MODERN)


@asynccontextmanager
async def speaking(product: Served, who: Someone | str, *, mode: str = MODERN, **options: Any) -> AsyncIterator[Client]:
    """Connect as somebody, by their token."""
    token = who if isinstance(who, str) else who.token
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)
    transport = streamable_http_client(f"http://127.0.0.1:{product.port}/mcp", http_client=http)
    async with http, Client(transport, mode=mode, cache=None, **options) as client:
        yield client


def rpc(method: str, params: dict[str, Any] | None = None, *, id_: int | None = 1) -> dict[str, Any]:
    """Return a message."""
    named = {} if id_ is None else {"id": id_}
    return {"jsonrpc": "2.0", "method": method, "params": params or {}, **named}


INITIALIZE = rpc(
    "initialize",
    {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
)
ACCEPT = {"Accept": "application/json, text/event-stream"}
