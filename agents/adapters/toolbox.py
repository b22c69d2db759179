# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's Toolbox port: the tools one run may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from agents.adapters.tools.http_request import HTTPRequest
from agents.adapters.tools.searxng import SearxngSearch
from agents.adapters.tools.web_search import WebSearch
from agents.engine.errors import ToolUnknown
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ContextDocument
from codexos.kernel.http import EgressPolicy, parse_egress_allow
from codexos.kernel.jsontypes import JsonObject, JsonValue

BUILT_IN_NAMES = frozenset({"HTTPRequest", "WebSearch"})
"""What a flow may call; a test holds it to what the toolbox has."""


class Tool(Protocol):
    """Something a run may call."""

    @property
    def spec(self) -> ToolSpec: ...

    async def call(self, arguments: JsonObject, *, key: str) -> JsonValue: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as this installation has it; ``note`` tells people what a setting does to it."""

    spec: ToolSpec
    is_available: bool = True
    note: str = ""


class BuiltInToolbox:
    """The tools that come with the product, over the documents of one run."""

    def __init__(self, documents: Sequence[ContextDocument]) -> None:
        policy = EgressPolicy(allow=parse_egress_allow(settings.EGRESS_ALLOW), local_only=settings.EGRESS_LOCAL_ONLY)
        tools: Sequence[Tool] = [_search(documents, policy), HTTPRequest(policy)]
        self._tools = {tool.spec.name: tool for tool in tools}

    def describe(self, name: str) -> ToolSpec:
        """See the port."""
        return self._tool(name).spec

    async def call(self, name: str, arguments: JsonObject, *, key: str) -> JsonValue:
        """See the port."""
        return await self._tool(name).call(arguments, key=key)

    def offers(self) -> list[Offer]:
        """Return every tool with what is to be said of it here, by name."""
        return [Offer(self._tools[name].spec, note=_note(name)) for name in sorted(self._tools)]

    def _tool(self, name: str) -> Tool:
        if name not in self._tools:
            raise ToolUnknown(tool=name, known=list(self._tools))
        return self._tools[name]


def _search(documents: Sequence[ContextDocument], policy: EgressPolicy) -> Tool:
    return SearxngSearch(settings.SEARXNG_URL, policy) if settings.SEARXNG_URL else WebSearch(documents)


def _note(name: str) -> str:
    if name == "WebSearch":
        return (
            "Asks the SearXNG instance of CODEXOS_SEARXNG_URL."
            if settings.SEARXNG_URL
            else "Searches the files of the run's context; with CODEXOS_SEARXNG_URL it searches the web."
        )
    if settings.EGRESS_LOCAL_ONLY:
        return "Local-only mode: only local addresses are reached."
    return "Private addresses are refused, but for those in CODEXOS_EGRESS_ALLOW."
