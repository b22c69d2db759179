# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""WebSearch by Brave and Tavily: asked as they describe it, by the operator's key, which never comes back."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.adapters.toolbox import BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.adapters.tools.search_providers import Provider, ProviderSearch, SearchAccess
from agents.engine.gate import Occasion
from agents.engine.tools import kept_result
from agents.errors import ToolFailed, ToolUnavailable
from tests.fakes.search import KEY, SearchProviders
from tests.kernel.asking import opened
from tests.kernel.local_server import answer


@pytest.fixture
def providers() -> Iterator[SearchProviders]:
    with SearchProviders() as running:
        yield running


async def search(providers: SearchProviders, provider: Provider, *, key: str = KEY, **arguments: Any) -> Any:
    tool = ProviderSearch(SearchAccess(provider, key, providers.url(f"/{provider}")), opened("127.0.0.1"))
    found = await tool.call({"query": "kakapo  parrot", **arguments}, on=Occasion("k"))
    kept_result(tool.spec, found)
    return found


async def test_brave_is_asked_with_its_header(providers: SearchProviders) -> None:
    found = await search(providers, "brave")
    assert providers.queries == ["kakapo+parrot"]
    assert found["results"] == [
        {"title": "The kakapo", "url": "https://birds.example/kakapo", "text": "A parrot."},
    ]


async def test_tavily_is_asked_in_json_and_its_answer_tells_no_key(providers: SearchProviders) -> None:
    found = await search(providers, "tavily", max_results=2)
    assert (providers.queries, len(found["results"])) == (["kakapo parrot"], 2)
    assert found["results"][0]["score"] == 0.9
    assert KEY not in str(found)


@pytest.mark.parametrize("provider", ["brave", "tavily"])
async def test_a_refused_key_and_a_busy_provider_are_said(providers: SearchProviders, provider: Provider) -> None:
    with pytest.raises(ToolFailed, match="refuses the key") as refused:
        await search(providers, provider, key="wrong-key-123456")
    assert "wrong-key" not in refused.value.message
    providers.speech = lambda asked: [answer(b"busy", status="429 Too Many")]
    with pytest.raises(ToolUnavailable):
        await search(providers, provider)
    providers.speech = lambda asked: [answer(b"<html>")]
    with pytest.raises(ToolFailed):
        await search(providers, provider)


@pytest.mark.parametrize(
    ("named", "host"),
    [
        ({"BRAVE_SEARCH_KEY": "k"}, "api.search.brave.com"),
        ({"TAVILY_API_KEY": "k"}, "api.tavily.com"),
        ({"BRAVE_SEARCH_KEY": "k", "SEARXNG_URL": "http://127.0.0.1:8888"}, "127.0.0.1"),
    ],
)
def test_the_operators_settings_say_who_is_asked(settings: Any, named: dict[str, str], host: str) -> None:
    for name in ("SEARXNG_URL", "BRAVE_SEARCH_KEY", "TAVILY_API_KEY"):
        setattr(settings, name, named.get(name, ""))
    spec = BuiltInToolbox(ToolRoom()).describe("WebSearch")
    assert spec.capabilities == ("read", f"egress:{host}")
