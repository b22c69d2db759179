# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every tool that fetches, sent where it must not go: by address, by redirect, and by names that change their mind.

Each is shown to arrive where it may, so that what does not arrive was refused and not merely broken.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest

from agents.adapters.shelves.keys import auth_of
from agents.adapters.shelves.kinds import ServerPlace
from agents.adapters.shelves.openapi import OpenApiAdapter, OpenApiTool
from agents.adapters.tools.github_client import GitHubClient
from agents.adapters.tools.http_request import HTTPRequest
from agents.adapters.tools.room import ToolRoom
from agents.adapters.tools.search_providers import ProviderSearch, SearchAccess
from agents.adapters.tools.web_fetch import WebFetch
from agents.engine.gate import Occasion
from agents.engine.offered import OfferedTool
from codexos.kernel import http, pinning
from codexos.kernel.errors import CodexosError
from codexos.kernel.http import EgressPolicy
from codexos.kernel.ids import new_id
from tests.kernel.asking import CLOSED, opened
from tests.kernel.local_server import LocalServer, redirect

ON = Occasion("key")
Fetch = Callable[[str, EgressPolicy], Awaitable[Any]]


class Held:
    """Secrets that open to one value."""

    async def open(self, keys: Any, **by: str) -> dict[str, str]:
        return dict.fromkeys(keys, "id:secret")


async def web_fetch(url: str, policy: EgressPolicy) -> Any:
    return await WebFetch(policy).call({"url": url}, on=ON)


async def http_request(url: str, policy: EgressPolicy) -> Any:
    return await HTTPRequest(policy).call({"url": url}, on=ON)


async def openapi_import(url: str, policy: EgressPolicy) -> Any:
    return await OpenApiAdapter().read(
        ServerPlace(new_id(), "a", "openapi", url), ToolRoom(egress=policy), document=None
    )


async def openapi_call(url: str, policy: EgressPolicy) -> Any:
    place = ServerPlace(new_id(), "a", "openapi", config={"base_url": url})
    return await OpenApiTool(place, OfferedTool("t", call={"method": "GET", "path": ""}), ToolRoom(egress=policy)).call(
        {}, on=ON
    )


async def openapi_token(url: str, policy: EgressPolicy) -> Any:
    place = ServerPlace(new_id(), "a", "openapi", auth={"how": "oauth2", "token_url": url}, key="k")
    return await auth_of(place, ToolRoom(egress=policy, secrets=Held()))


async def brave(url: str, policy: EgressPolicy) -> Any:
    return await ProviderSearch(SearchAccess("brave", "key", url), policy).call({"query": "a"}, on=ON)


async def tavily(url: str, policy: EgressPolicy) -> Any:
    return await ProviderSearch(SearchAccess("tavily", "key", url), policy).call({"query": "a"}, on=ON)


async def github(url: str, policy: EgressPolicy) -> Any:
    return await GitHubClient(url, policy, "key").ask("GET", "")


FETCHING: Sequence[Fetch] = (
    web_fetch,
    http_request,
    openapi_import,
    openapi_call,
    openapi_token,
    brave,
    tavily,
    github,
)
"""Everything of ours that is told an address and asks there."""

ADDRESSES = (
    "http://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://api.localhost:PORT/",
    "http://[::1]:PORT/",
    "http://0.0.0.0:PORT/",
    "http://0:PORT/",
    "http://127.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[::]:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://metadata.google.internal/computeMetadata/",
    "http://100.100.100.200/latest/",
    "http://168.63.129.16/",
    "http://[fd00:ec2::254]/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://172.16.0.1/",
    "http://[fe80::1]:PORT/",
    "http://user:pw@127.0.0.1:PORT/",
    "http://public.example@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@public.example/",
    "http://127.0.0.1:PORT\\@public.example/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://127。0。0。1:PORT/",
    "http://inside.example:PORT/",
    "http://mixed.example:PORT/",
    "http://public.example:6379/",
    "http://public.example:22/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/",
    "ftp://127.0.0.1:PORT/",
    "dict://127.0.0.1:PORT/",
    "http:///127.0.0.1:PORT/",
)

NAMES = {
    "inside.example": ["127.0.0.1"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "public.example": ["93.184.215.14"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1"],
    "api.localhost": ["127.0.0.1"],
}


@pytest.fixture
def victim() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture(autouse=True)
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names lead where NAMES says, and nothing else is looked up."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        if host not in NAMES:
            raise OSError("no such name")
        return NAMES[host]

    monkeypatch.setattr(http, "resolve", resolve)
    monkeypatch.setattr(pinning, "resolve", resolve)
    return asked


async def refused(fetch: Fetch, url: str, policy: EgressPolicy) -> bool:
    try:
        await fetch(url, policy)
    except CodexosError as error:
        # Not merely out of reach: nobody was asked.
        return error.code != "unreachable"
    return False


@pytest.mark.parametrize("fetch", FETCHING)
async def test_no_address_leads_inside(fetch: Fetch, victim: LocalServer) -> None:
    urls = [each.replace("PORT", str(victim.port)) for each in ADDRESSES]
    assert len(urls) > 30
    assert [url for url in urls if not await refused(fetch, url, CLOSED)] == []
    assert victim.connections == 0


@pytest.mark.parametrize("fetch", FETCHING)
async def test_each_arrives_where_it_may(fetch: Fetch, victim: LocalServer) -> None:
    policy = opened(f"127.0.0.1:{victim.port}")
    await refused(fetch, victim.url("/here"), policy)
    assert [asked.path.partition("?")[0] for asked in victim.asked] == ["/here"]


@pytest.mark.parametrize("fetch", FETCHING)
async def test_no_redirect_leads_inside(fetch: Fetch, victim: LocalServer) -> None:
    with LocalServer() as sends_on:
        policy, passed = opened(f"127.0.0.1:{sends_on.port}"), []
        for url in (each.replace("PORT", str(victim.port)) for each in ADDRESSES):
            sends_on.speech = lambda asked, url=url: [redirect(url.encode("ascii", "xmlcharrefreplace").decode())]
            if not await refused(fetch, sends_on.url("/go"), policy):
                passed.append(url)
        # A few are read as relative, and lead back to where they came from until that is enough.
        assert len(sends_on.asked) >= len(ADDRESSES)
    assert passed == []
    assert victim.connections == 0


async def test_a_client_secret_is_not_sent_in_the_open(victim: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = opened(f"127.0.0.1:{victim.port}")
    monkeypatch.setattr(http, "resolve", lambda host, port: ["127.0.0.1"])
    assert await refused(openapi_token, victim.url("/token", host="tokens.example"), policy)
    assert victim.connections == 0


@pytest.mark.parametrize("fetch", [each for each in FETCHING if each is not openapi_token])
async def test_a_name_that_changes_its_mind_is_judged_each_time_it_is_asked(
    fetch: Fetch, victim: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, turns = opened(f"127.0.0.1:{victim.port}"), iter([["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]])
    monkeypatch.setattr(http, "resolve", lambda host, port: next(turns))
    url = victim.url("/here", host="rebind.example")
    await refused(fetch, url, policy)
    assert len(victim.asked) == 1
    assert await refused(fetch, url, policy)
    assert await refused(fetch, url, policy)
    assert len(victim.asked) == 1
    # One look-up for each connection: there is no second one that could say something else.
    assert next(turns, None) is None
