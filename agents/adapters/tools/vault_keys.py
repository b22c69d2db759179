# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The key a tool signs in with: handed on by the flow, or kept in the vault under a name everybody knows."""

from agents.adapters.tools.room import ToolRoom
from codexos.kernel.errors import NotFound
from codexos.kernel.jsontypes import JsonObject

DEFAULT_KEY = "github"
"""The secret that GitHub, and git at GitHub's host, are signed in to with where a call hands on no other."""


async def key_for(room: ToolRoom, arguments: JsonObject, *, tool: str, call: str) -> str | None:
    """Return the value to sign in with; None where there is none. Raises what using a secret raises, but NotFound."""
    given = arguments.get("token")
    if isinstance(given, str) and given:
        return given
    if room.secrets is None:
        return None
    try:
        return (await room.secrets.open([DEFAULT_KEY], tool=tool, call=call))[DEFAULT_KEY].strip()
    except NotFound:
        return None
