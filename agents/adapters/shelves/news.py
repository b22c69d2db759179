# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a run learns of a tool server that people should know: its tools are not any more what they accepted."""

import json
from collections.abc import Sequence

from accounts.tenancy import tenant
from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.tools.room import ToolRoom
from agents.engine.offered import OfferedTool
from agents.models import ToolServer
from codexos.kernel import clock


async def note_offered(place: ServerPlace, offered: Sequence[OfferedTool], room: ToolRoom) -> None:
    """Keep what a server offers now. What was accepted stays: what differs from it is not called."""
    if room.standing is None or room.in_thread is None:
        return
    await room.in_thread(_note, room.standing.organization_id, place, [tool.kept() for tool in offered])


def _note(organization_id: object, place: ServerPlace, offered: Sequence[object]) -> None:
    with tenant(organization_id):  # type: ignore[arg-type]
        rows = ToolServer.objects.for_organization(organization_id)  # type: ignore[arg-type]
        # Another address is another server, of which this says nothing.
        row = rows.select_for_update().filter(pk=place.id, address=place.address).first()
        now = json.loads(json.dumps(list(offered), default=dict))
        if row is not None and row.offered != now:
            # Whoever looks at what it offered before does not accept this unseen.
            row.offered, row.read_at, row.revision = now, clock.now(), row.revision + 1
            row.save(update_fields=["offered", "read_at", "revision"])
