# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which kinds of tool server are spoken to, one line for each."""

from collections.abc import Mapping

from agents.adapters.shelves.kinds import ServerAdapter
from agents.adapters.shelves.mcp_client.adapter import McpAdapter
from agents.adapters.shelves.openapi import OpenApiAdapter

ADAPTERS: Mapping[str, ServerAdapter] = {
    "openapi": OpenApiAdapter(),
    "mcp_http": McpAdapter(),
    "mcp_stdio": McpAdapter(),
}
"""By kind, see ``ServerKind``."""
