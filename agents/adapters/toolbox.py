# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Toolbox port: the tools one run may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.conf import settings

from agents.adapters.tools.built_in import BUILT_IN
from agents.adapters.tools.room import Tool, ToolRoom
from agents.engine.errors import ToolUnknown
from agents.engine.gate import Occasion
from agents.engine.offered import ToolState
from agents.engine.tools import ToolSpec
from codexos.kernel.jsontypes import JsonObject, JsonValue

IN_THE_SANDBOX = frozenset({"Shell", "PythonExec"})
BUILT_IN_NAMES = frozenset(BUILT_IN)
"""What any flow may call."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as people are shown it; ``note`` tells what a setting does to it, ``reason`` why it cannot be called."""

    spec: ToolSpec
    note: str = ""
    kind: str = "built_in"
    state: ToolState = "ready"
    reason: str = ""
    server_id: UUID | None = None

    @property
    def is_available(self) -> bool:
        """Whether it may be called as it stands."""
        return self.state == "ready"


class BuiltInToolbox:
    """The tools that come with the product, and those of the shelves that a run names, in its room."""

    def __init__(self, room: ToolRoom) -> None:
        self._room = room
        self._tools: dict[str, Tool] = {}

    def names(self) -> Sequence[str]:
        """See the port."""
        return sorted([*BUILT_IN, *self._room.shelved])

    def describe(self, name: str) -> ToolSpec:
        """See the port."""
        return self._tool(name).spec

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """See the port."""
        return await self._tool(name).call(arguments, on=on)

    async def preview(self, name: str, arguments: JsonObject) -> str | None:
        """See the port."""
        show = getattr(self._tool(name), "preview", None)
        return None if show is None else cast(str | None, await show(arguments))

    def offers(self) -> list[Offer]:
        """Return every tool with what is to be said of it here, by name."""
        specs = [self._tool(name).spec for name in sorted(BUILT_IN)]
        return [Offer(spec, note=_note(spec)) for spec in specs]

    def _tool(self, name: str) -> Tool:
        if name not in self._tools:
            make = BUILT_IN.get(name) or self._room.shelved.get(name)
            if make is None:
                raise ToolUnknown(tool=name, known=[*BUILT_IN, *self._room.shelved])
            self._tools[name] = make(self._room)
        return self._tools[name]


def _note(spec: ToolSpec) -> str:
    if spec.name == "WebSearch":
        return _search_note()
    if spec.name in IN_THE_SANDBOX:
        return "Runs in the sandbox; where this machine cannot hold one it is refused, and bin/manage doctor says why."
    if not any(each.startswith("egress") for each in spec.capabilities):
        return ""
    if settings.EGRESS_LOCAL_ONLY:
        return "Local-only mode: only local addresses are reached."
    return "Private addresses are refused, but for those in CODEXOS_EGRESS_ALLOW."


def _search_note() -> str:
    """Say whom WebSearch asks: the first of these that the operator set up."""
    if settings.SEARXNG_URL:
        return "Asks the SearXNG instance of CODEXOS_SEARXNG_URL."
    if settings.BRAVE_SEARCH_KEY:
        return "Asks Brave Search with the key of CODEXOS_BRAVE_SEARCH_KEY."
    if settings.TAVILY_API_KEY:
        return "Asks Tavily with the key of CODEXOS_TAVILY_API_KEY."
    return (
        "Searches the files of the run's context; with CODEXOS_SEARXNG_URL, CODEXOS_BRAVE_SEARCH_KEY or "
        "CODEXOS_TAVILY_API_KEY it searches the web."
    )
