# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""WebSearch over the web by Brave or Tavily, with the operator's key or one of the vault."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Unpack
from urllib.parse import urlsplit

from agents.adapters.tools.http_secrets import shown_arguments
from agents.adapters.tools.json_texts import read_json
from agents.adapters.tools.searxng import results_of
from agents.adapters.tools.web_search import DEFAULT_RESULTS, SEARCH_SPEC
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.asking import AskOptions
from codexos.kernel.http import ClientOptions, EgressPolicy, HttpAnswer, HttpClient, HttpLimits
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.redaction import Redactor

Provider = Literal["brave", "tavily"]

ADDRESSES: Mapping[str, str] = {
    "brave": "https://api.search.brave.com/res/v1/web/search",
    "tavily": "https://api.tavily.com/search",
}
_LABELS = {"brave": "Brave Search", "tavily": "Tavily"}
_QUERY_CHARACTERS = 400
_LIMITS = HttpLimits(total_seconds=25, connect_seconds=5, body_bytes=2_000_000, redirects=0)


@dataclass(frozen=True, slots=True)
class SearchAccess:
    """Which provider is asked, with which key, where."""

    provider: Provider
    key: str
    url: str

    def __repr__(self) -> str:
        return f"SearchAccess({self.provider!r})"

    @property
    def host(self) -> str:
        """The one host it is."""
        return urlsplit(self.url).hostname or ""


class ProviderSearch:
    """Asks one provider, and nothing but its one host. The key comes with the operator's settings."""

    def __init__(self, access: SearchAccess, policy: EgressPolicy, **options: Unpack[ClientOptions]) -> None:
        self._access = access
        self._policy = policy
        self._options = options

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return replace(
            SEARCH_SPEC,
            description="Search the web and return the results that fit best.",
            capabilities=("read", f"egress:{self._access.host}"),
            shown=shown_arguments,
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return ``{"results": [{"title", "url", "text", "score"}], "text"}``. Raises ToolFailed, ToolUnavailable."""
        wanted = arguments.get("max_results")
        limit = wanted if isinstance(wanted, int) else DEFAULT_RESULTS
        query = " ".join(str(arguments.get("query", "")).split())[:_QUERY_CHARACTERS]
        answer = await self._ask(query, limit) if query else None
        found = await asyncio.to_thread(self._read, answer) if answer else {}
        results = list(results_of(list(_hits(self._access.provider, found))))[:limit]
        text = "\n\n".join(f"From {one['title']} ({one['url']}):\n{one['text']}" for one in results)
        return {"results": results, "text": text or "Nothing on the web fits the search."}

    async def _ask(self, query: str, limit: int) -> HttpAnswer:
        access = self._access
        policy = self._policy.narrowed_to(access.url)
        options: AskOptions = {"limits": _LIMITS}
        async with HttpClient(policy, **self._options) as client:
            if access.provider == "brave":
                options |= {"headers": {"X-Subscription-Token": access.key, "Accept": "application/json"}}
                options["params"] = {"q": query, "count": str(limit)}
                return await client.request("GET", access.url, **options)
            options |= {"headers": {"Authorization": f"Bearer {access.key}"}}
            options["json"] = {"query": query, "max_results": limit}
            return await client.request("POST", access.url, **options)

    def _read(self, answer: HttpAnswer) -> Mapping[str, JsonValue]:
        label, status = _LABELS[self._access.provider], answer.status
        if status in {401, 403}:
            raise ToolFailed(f"{label} refuses the key ({status}). Check it, and that it may search.", status=status)
        if status in {408, 425, 429} or status >= 500:
            raise ToolUnavailable(f"{label} answered with {status}. Try again later.", status=status)
        said = read_json(Redactor([self._access.key]).redact_bytes(answer.body))
        if status != 200 or not isinstance(said, Mapping):
            raise ToolFailed(f"{label} answered with {status} and not as it is described to.", status=status)
        return said


def _hits(provider: str, found: Mapping[str, JsonValue]) -> Iterator[JsonValue]:
    part: JsonValue = found.get("web") if provider == "brave" else found
    listed = part.get("results") if isinstance(part, Mapping) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            told = one.get("description") if provider == "brave" else one.get("content")
            yield {"title": one.get("title"), "url": one.get("url"), "content": told, "score": one.get("score")}
