# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The shelf of tool servers: finds tools by names such as ``server.operation`` when a run is taken up."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from uuid import UUID

from agents.adapters.shelves.adapters import ADAPTERS
from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.toolbox import Offer
from agents.adapters.tools.room import Maker, Tool, ToolRoom
from agents.engine.offered import OfferedTool
from agents.engine.tool_names import FLOW_PREFIX
from agents.engine.tools import ToolSpec
from agents.errors import ToolNotReady
from agents.models import ToolServer
from agents.queries.tool_servers import servers_serving


def find_server_tools(names: Collection[str], *, organization_id: UUID, project_id: UUID | None) -> Mapping[str, Maker]:
    """Return how to make those of ``names`` that are chosen tools of servers; by one statement, and none for none.

    ``server.*`` stands for all of them.
    """
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        server, dot, tool = name.partition(".")
        if dot and not name.startswith(FLOW_PREFIX):
            wanted[server].add(tool)
    if not wanted:
        return {}
    rows = servers_serving(organization_id, project_id, names=wanted)
    return {
        row.full_name(tool): partial(_make, row, tool)
        for row in rows
        for tool in row.tools
        if wanted[row.name] & {tool.name, "*"} and tool.name in row.chosen
    }


def server_offers(organization_id: UUID, project_id: UUID | None) -> Iterator[Offer]:
    """Give every tool that was chosen of the servers of a place, with whether it may be called."""
    for row in servers_serving(organization_id, project_id):
        for tool in row.tools:
            if tool.name in row.chosen:
                standing = row.standing_of(tool)
                yield Offer(
                    spec_of(row, tool), kind=row.kind, state=standing.state, reason=standing.reason, server_id=row.pk
                )


def spec_of(row: ToolServer, tool: OfferedTool) -> ToolSpec:
    """Say what is known of a tool, also of one that cannot be called as it stands."""
    if not tool.trouble and row.kind in ADAPTERS:
        return ADAPTERS[row.kind].tool(ServerPlace.of(row), tool, ToolRoom()).spec
    return ToolSpec(row.full_name(tool), tool.description, tool.schema, result_schema=tool.result_schema)


def _make(row: ToolServer, tool: OfferedTool, room: ToolRoom) -> Tool:
    standing = row.standing_of(tool)
    if standing.state != "ready":
        raise ToolNotReady(tool=row.full_name(tool), because=standing.reason)
    if row.kind not in ADAPTERS:
        raise ToolNotReady(tool=row.full_name(tool), because="Servers of its kind are not spoken to here.")
    return ADAPTERS[row.kind].tool(ServerPlace.of(row), tool, room)
