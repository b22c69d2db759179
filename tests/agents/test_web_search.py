# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""WebSearch: over the documents of a run, or over the web where the operator has set a SearXNG instance."""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.adapters.toolbox import BUILT_IN_NAMES, BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.adapters.tools.searxng import SearxngSearch
from agents.adapters.tools.web_search import SEARCH_SPEC
from agents.engine.gate import Occasion
from agents.engine.tools import kept_result
from agents.errors import ToolFailed, ToolUnavailable
from codexos.kernel.chat import ContextDocument
from codexos.kernel.http import EgressPolicy, EgressRefused
from tests.fakes.searxng import Instance, serve_searxng
from tests.kernel.local_server import LocalServer, redirect

CLOSED = EgressPolicy()


@pytest.fixture
def searxng() -> Iterator[Instance]:
    with serve_searxng() as instance:
        yield instance


async def search(url: str, **arguments: Any) -> Any:
    return await SearxngSearch(url, CLOSED).call({"query": "kakapo", **arguments}, on=Occasion("k"))


async def test_the_operators_instance_is_asked_on_its_private_address(searxng: Instance) -> None:
    found = await search(searxng.url)
    kept_result(SEARCH_SPEC, found)
    assert searxng.asked == ["kakapo"]
    assert found["results"] == [
        {
            "title": "The kakapo",
            "url": "https://birds.example/kakapo",
            "text": "A flightless parrot of New Zealand.",
            "score": 4.0,
        },
        {"title": "The kea", "url": "https://birds.example/kea", "text": "", "score": 1.0},
    ]
    assert found["text"].startswith("From The kakapo (https://birds.example/kakapo):\nA flightless parrot")


async def test_an_instance_below_a_path(searxng: Instance) -> None:
    with serve_searxng(below="/searxng") as instance:
        assert len((await search(f"{instance.url}/", max_results=1))["results"]) == 1


async def test_a_long_query_is_cut_at_a_word(searxng: Instance) -> None:
    await search(searxng.url, query="parrot " * 1000)
    assert searxng.asked == [("parrot " * 57).strip()]


async def test_an_empty_query_asks_nobody(searxng: Instance) -> None:
    assert (await search(searxng.url, query=" \n"))["results"] == []
    assert searxng.asked == []


async def test_only_the_operators_instance_is_let_through(searxng: Instance) -> None:
    with (
        LocalServer(lambda asked: [redirect(searxng.url + "/search?q=x&format=json")]) as other,
        pytest.raises(EgressRefused),
    ):
        await search(other.url("").rstrip("/"))
    assert searxng.asked == []


async def test_an_instance_that_is_down_may_be_asked_again() -> None:
    with pytest.raises(ToolUnavailable, match="CODEXOS_SEARXNG_URL") as raised:
        await search("http://127.0.0.1:9")
    assert raised.value.retryable


async def test_an_instance_without_json_says_what_to_set(searxng: Instance) -> None:
    searxng.formats = ("html",)
    with pytest.raises(ToolFailed, match=r"Add json to search\.formats"):
        await search(searxng.url)


@pytest.mark.parametrize(
    "garbage", [b"<html>hello", b"[]", b'{"results": 5}', b"\xff\xfe", b"[" * 100_000], ids=lambda raw: str(raw[:9])
)
async def test_garbage_has_a_name(searxng: Instance, garbage: bytes) -> None:
    searxng.raw = garbage
    with pytest.raises(ToolFailed, match="does not speak as SearXNG does"):
        await search(searxng.url)


async def test_odd_results_are_left_out(searxng: Instance) -> None:
    odd: list[Any] = [5, {"title": "no address"}, {"url": 7}]
    searxng.results = [*odd, {"url": "https://a.example/", "title": None, "score": 10**400}]
    found = await search(searxng.url)
    assert found["results"] == [{"title": "https://a.example/", "url": "https://a.example/", "text": ""}]


@pytest.mark.parametrize(("status", "error"), [(429, ToolUnavailable), (502, ToolUnavailable), (404, ToolFailed)])
async def test_refusals(searxng: Instance, status: int, error: type[Exception]) -> None:
    searxng.status = status
    with pytest.raises(error, match=str(status)):
        await search(searxng.url)


async def test_no_engine_that_answered_is_not_told_as_no_result(searxng: Instance) -> None:
    searxng.results, searxng.unresponsive = [], [["google", "timeout"]]
    with pytest.raises(ToolUnavailable, match="google"):
        await search(searxng.url)
    searxng.unresponsive = []
    assert (await search(searxng.url))["text"] == "Nothing on the web fits the search."


async def test_without_the_setting_the_documents_are_searched(settings: Any, searxng: Instance) -> None:
    documents = [ContextDocument("birds.md", "# Birds\n\nThe kakapo is a parrot.")]
    offline = await BuiltInToolbox(ToolRoom(documents)).call("WebSearch", {"query": "kakapo"}, on=Occasion("k"))
    kept_result(SEARCH_SPEC, offline)
    settings.SEARXNG_URL = searxng.url
    toolbox = BuiltInToolbox(ToolRoom(documents))
    online: Any = await toolbox.call("WebSearch", {"query": "kakapo"}, on=Occasion("k"))
    assert online["results"][0]["url"] == "https://birds.example/kakapo"
    assert toolbox.describe("WebSearch").capabilities == ("read", "egress:127.0.0.1")


def test_the_names_that_flows_may_say_are_those_of_the_toolbox() -> None:
    assert {offer.spec.name for offer in BuiltInToolbox(ToolRoom()).offers()} == BUILT_IN_NAMES
