# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Signing in to a server by OAuth: discovered, registered, proved by PKCE, kept in the vault, renewed there."""

import asyncio
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import AsyncClient, Client

from agents.engine.sign_in import SignInMisfit, challenge_in, issuer_in, provider_documents, provider_in
from tests.agents.test_interventions import call
from tests.agents.test_openapi_servers import connect, run
from tests.factories import Someone, World, sign_in
from tests.fakes.mcp_server import FakeMcp, serve_mcp
from tests.fakes.oauth_provider import Provider
from tests.mcp.test_client import calling


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def fake(settings: Any, provider: Provider) -> Iterator[FakeMcp]:
    with serve_mcp(around=provider.around) as running:
        provider.origin = f"http://127.0.0.1:{running.port}"
        running.token = provider.token
        running.challenge = (
            f'Bearer resource_metadata="{provider.origin}/.well-known/oauth-protected-resource/mcp", scope="tools run"'
        )
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


async def connected(world: World, fake: FakeMcp, **auth: str) -> str:
    said = {"name": "sums", "kind": "mcp_http", "address": fake.address, "auth": {"how": "sign_in", **auth}}
    made = await asyncio.to_thread(connect, world.dev, world, **said)
    assert made.status_code == 201, made.json()
    return str(made.json()["id"])


async def begun(who: Someone, server: str) -> Any:
    return await call(who, f"/api/v1/tool-servers/{server}/sign-in/")


def _come_back(who: Someone, said: dict[str, str]) -> Any:
    browser = Client()
    sign_in(browser, who.person)
    return browser.get(f"/tool-servers/signed-in/?{urlencode(said)}")


async def come_back(who: Someone, said: dict[str, str]) -> Any:
    return await asyncio.to_thread(_come_back, who, said)


async def test_a_person_signs_in_and_runs_call_the_server_with_the_token_of_the_vault(
    committed_world: World, fake: FakeMcp, provider: Provider
) -> None:
    world = committed_world
    # given a server that lets nobody in
    server = await connected(world, fake)
    # when a person is sent there, lets us in, and comes back
    url = (await begun(world.dev, server)).json()["url"]
    assert "scope=tools+run" in url
    page = await come_back(world.dev, provider.approve(url))
    # then what it offers was read with their token, which is in the vault and nowhere else
    assert page.status_code == 200, page.content.decode()[-2000:]
    assert provider.forms[-1]["resource"] == fake.address
    chosen = await call(world.dev, f"/api/v1/tool-servers/{server}/choose/", {"tools": ["add"]})
    assert (chosen.status_code, chosen.json()["key"]) == (200, "tool-server-sums")
    found = await run(world, calling("sums.add", a=1, b=2))
    assert found["result"]["output"]["json"] == {"sum": 3}, found
    assert provider.token not in json.dumps([chosen.json(), found])
    # and a code is good for one use
    assert (await come_back(world.dev, {"state": "x", "code": "a-code"})).status_code == 409


async def test_a_page_begins_it_and_leads_to_the_provider(
    committed_world: World, fake: FakeMcp, provider: Provider
) -> None:
    # given a server that lets nobody in
    server = await connected(committed_world, fake)
    browser = Client()
    await asyncio.to_thread(sign_in, browser, committed_world.dev.person)
    page = (await asyncio.to_thread(browser.get, f"/tools/servers/{server}/")).content.decode()
    assert f'action="/tools/servers/{server}/sign-in/"' in page
    # when
    shown = await asyncio.to_thread(browser.post, f"/tools/servers/{server}/sign-in/")
    # then people see where they go, and come back from there signed in
    assert shown.status_code == 200, shown
    assert "127.0.0.1" in shown.content.decode()
    found = re.search(r'<a class="btn pri" href="([^"]+)"', shown.content.decode())
    assert found is not None
    back = await come_back(committed_world.dev, provider.approve(html.unescape(found[1])))
    assert back.status_code == 200
    # One whose provider cannot be asked says so on its own page.
    provider.says = {"issuer": "https://evil.example"}
    refused = await asyncio.to_thread(browser.post, f"/tools/servers/{server}/sign-in/", follow=True)
    assert "its provider" in refused.content.decode() or "issuer" in refused.content.decode()


async def test_whoever_did_not_begin_does_not_end_it(committed_world: World, fake: FakeMcp, provider: Provider) -> None:
    world = committed_world
    server = await connected(world, fake)
    said = provider.approve((await begun(world.dev, server)).json()["url"])
    for other in (world.lead, world.stranger, world.viewer):
        assert (await come_back(other, said)).status_code == 409
    mixed_up = {**said, "iss": "https://evil.example"}
    unnamed = {name: value for name, value in said.items() if name != "iss"}
    changed = {**said, "state": said["state"][:-8] + "AAAAAAA="}
    for wrong in (mixed_up, unnamed, changed, {**said, "code": ""}, {**said, "error": "access_denied"}):
        assert (await come_back(world.dev, wrong)).status_code == 409
    assert provider.forms == []
    nobody = await AsyncClient().get(f"/tool-servers/signed-in/?{urlencode(said)}")
    assert nobody.status_code == 302


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://evil.example"},
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "http://login.example/authorize"},
        {"authorization_endpoint": "http://127.0.0.2/authorize"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"registration_endpoint": "http://169.254.169.254/register"},
        {"registration_endpoint": None},
    ],
)
async def test_a_provider_that_does_not_hold_together_is_not_used(
    committed_world: World, fake: FakeMcp, provider: Provider, says: dict[str, Any]
) -> None:
    server = await connected(committed_world, fake)
    provider.says = says
    began = await begun(committed_world.dev, server)
    if began.status_code == 200:
        # Where the code would go is asked only with one.
        came = await come_back(committed_world.dev, provider.approve(began.json()["url"]))
        assert came.status_code == 409
    else:
        assert began.json()["code"] in {"sign_in_failed", "egress_refused"}
    assert provider.forms == []


async def test_the_metadata_of_another_server_is_not_believed(
    committed_world: World, fake: FakeMcp, provider: Provider
) -> None:
    server = await connected(committed_world, fake)
    provider.says_of_resource = {"resource": "https://bank.example/mcp"}
    refused = await begun(committed_world.dev, server)
    assert (refused.status_code, refused.json()["code"]) == (409, "sign_in_failed")


def test_metadata_is_looked_for_where_the_standards_say() -> None:
    assert provider_documents("https://a.example/tenant") == [
        "https://a.example/.well-known/oauth-authorization-server/tenant",
        "https://a.example/.well-known/openid-configuration/tenant",
        "https://a.example/tenant/.well-known/openid-configuration",
    ]
    header = 'Bearer realm="x", resource_metadata="https://a.example/m", scope="a b"'
    assert challenge_in(header) == {"realm": "x", "resource_metadata": "https://a.example/m", "scope": "a b"}
    above = {"resource": "https://a.example", "authorization_servers": ["https://b.example"]}
    assert issuer_in(above, address="https://a.example/mcp") == "https://b.example"
    for resource in ("https://a.example/other", "https://evil.example/mcp", "http://a.example/mcp", None):
        with pytest.raises(SignInMisfit):
            issuer_in({**above, "resource": resource}, address="https://a.example/mcp")
    with pytest.raises(SignInMisfit):
        provider_in([], issuer="https://b.example")
