# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""WebSearch over the web: asks the SearXNG instance that the operator has set."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Unpack
from urllib.parse import urlsplit

from agents.adapters.tools.json_texts import read_json
from agents.adapters.tools.web_search import DEFAULT_RESULTS, SEARCH_SPEC
from agents.engine.gate import Occasion
from agents.engine.tools import ToolSpec
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.http import ClientOptions, EgressPolicy, HttpAnswer, HttpClient, HttpLimits, Unreachable
from codexos.kernel.jsontypes import JsonObject, JsonValue

QUERY_CHARACTERS = 400
"""How much of a query is asked: engines look at the first words, and an address is not endless."""

_LIMITS = HttpLimits(total_seconds=25.0, connect_seconds=5.0, body_bytes=2_000_000, redirects=2)
_TITLE_CHARACTERS = 300
_TEXT_CHARACTERS = 2_000
_ADDRESS_CHARACTERS = 2_000
_LARGEST_SCORE = 1e12
_AGAIN = frozenset({408, 425, 429})


class SearxngSearch:
    """Asks SearXNG's JSON interface, and nothing but that one host."""

    def __init__(self, url: str, policy: EgressPolicy, **options: Unpack[ClientOptions]) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._url = f"{url.rstrip('/')}/search"
        self._host = host
        # The operator named it, so it may stand on a private network; a redirect may not lead anywhere else.
        self._policy = replace(policy, named=frozenset({(host, port)}), only_hosts=frozenset({host}))
        self._options = options

    @property
    def spec(self) -> ToolSpec:
        """What is promised about it."""
        return replace(
            SEARCH_SPEC,
            description="Search the web and return the results that fit best.",
            capabilities=("read", f"egress:{self._host}"),
        )

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Return ``{"results": [{"title", "url", "text", "score"}], "text"}``. Raises ToolFailed, ToolUnavailable."""
        wanted = arguments.get("max_results")
        limit = wanted if isinstance(wanted, int) else DEFAULT_RESULTS
        query = _short_query(str(arguments.get("query", "")))
        # In a thread: reading megabytes would hold up every other run of this process.
        found = await asyncio.to_thread(self._read, await self._ask(query)) if query else {"results": []}
        results = list(results_of(found.get("results")))[:limit]
        if not results:
            self._refuse_silence(found.get("unresponsive_engines"))
        text = "\n\n".join(f"From {one['title']} ({one['url']}):\n{one['text']}" for one in results)
        return {"results": results, "text": text or "Nothing on the web fits the search."}

    async def _ask(self, query: str) -> HttpAnswer:
        try:
            async with HttpClient(self._policy, **self._options) as client:
                asked = {"q": query, "format": "json"}
                return await client.request("GET", self._url, params=asked, limits=_LIMITS)
        except Unreachable as error:
            because = error.details["because"]
            raise ToolUnavailable(
                f"SearXNG at {self._host!r} could not be reached: {because}. See that it runs where "
                "CODEXOS_SEARXNG_URL says, then try again."
            ) from None

    def _read(self, answer: HttpAnswer) -> Mapping[str, JsonValue]:
        self._refuse_error(answer.status)
        said = read_json(answer.body)
        if not isinstance(said, Mapping) or not isinstance(said.get("results"), list):
            raise ToolFailed(
                f"What answers at {self._host!r} does not speak as SearXNG does. Check CODEXOS_SEARXNG_URL: it is the "
                "address of the instance, without /search."
            )
        return said

    def _refuse_error(self, status: int) -> None:
        if status == 403:
            raise ToolFailed(
                f"SearXNG at {self._host!r} refuses to answer in JSON (403). Add json to search.formats in its "
                "settings.yml and restart it; where its limiter is on, let this machine through."
            )
        if status in _AGAIN or status >= 500:
            raise ToolUnavailable(f"SearXNG at {self._host!r} answered with {status}. Try again later.", status=status)
        if status != 200:
            raise ToolFailed(
                f"SearXNG at {self._host!r} answered with {status}. Check CODEXOS_SEARXNG_URL and what the instance "
                "logs.",
                status=status,
            )

    def _refuse_silence(self, unresponsive: JsonValue) -> None:
        # No results because no engine answered is not the same as no results.
        engines = [str(one[0]) for one in unresponsive if _is_named(one)] if isinstance(unresponsive, list) else []
        if engines:
            names = ", ".join(engines[:5])[:200]
            raise ToolUnavailable(f"The engines of SearXNG at {self._host!r} did not answer: {names}. Try again later.")


def _is_named(engine: JsonValue) -> bool:
    return isinstance(engine, list) and bool(engine)


def _short_query(query: str) -> str:
    words = " ".join(query.encode("utf-8", "replace").decode().split())
    return words if len(words) <= QUERY_CHARACTERS else words[:QUERY_CHARACTERS].rpartition(" ")[0] or words[:400]


def results_of(found: JsonValue) -> Iterator[dict[str, JsonValue]]:
    for one in found if isinstance(found, Sequence) else ():
        url = one.get("url") if isinstance(one, Mapping) else None
        if not isinstance(one, Mapping) or not isinstance(url, str) or not _is_web_address(url):
            continue
        result: dict[str, JsonValue] = {
            "title": _words(one.get("title"), _TITLE_CHARACTERS) or url,
            "url": url,
            "text": _words(one.get("content"), _TEXT_CHARACTERS),
        }
        score = one.get("score")
        if isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < _LARGEST_SCORE:
            result["score"] = score
        yield result


def _is_web_address(url: str) -> bool:
    return url.startswith(("http://", "https://")) and len(url) <= _ADDRESS_CHARACTERS and url.isprintable()


def _words(value: JsonValue, longest: int) -> str:
    return " ".join(value.split())[:longest] if isinstance(value, str) else ""
