# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What of agents is served asynchronously; ``app`` serves the ordinary views that decide who may."""

import re
from collections.abc import Mapping

from channels.routing import URLRouter
from django.urls import path, re_path

from agents.api.admission import App
from agents.api.doors import Streaming, Waiting
from agents.consumers import RunSocket, TicketTaker, nowhere
from agents.mcp_server.door import McpDoor


def http_doors(app: App) -> Mapping["re.Pattern[str]", App]:
    """Return the asynchronous doors by the paths they stand at."""
    return {
        re.compile(r"/agent/run"): Waiting(app),
        re.compile(r"/api/v1/runs/[^/]+/events"): Streaming(app),
        re.compile(r"/mcp/?"): McpDoor(app),
    }


def sockets(app: App) -> App:
    """Return what serves WebSockets."""
    router = URLRouter([path("ws/runs/<str:run_id>/", RunSocket(app)), re_path(r"", nowhere)])  # type: ignore[arg-type]
    return TicketTaker(router)
