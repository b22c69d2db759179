# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Published flows called over the Model Context Protocol, by the SDK's own client."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import mcp_types as types
import psycopg
import pytest
from mcp.shared.exceptions import MCPError

from accounts.operations.tokens import issue_token
from accounts.roles import TokenScope
from agents.mcp_server.door import McpDoor
from tests.agents.live import Served, bearer, served
from tests.agents.test_calls_of_runs import Ruling, ordering
from tests.agents.test_pinning import chain, keep
from tests.agents.test_runs import working
from tests.factories import World
from tests.fakes.outside import Outside
from tests.mcp.speaking import ACCEPT, BOTH, INITIALIZE, MODERN, SESSIONS, rpc, speaking

ECHO = chain("echo", output="{{ input }}!")
NUMBERS = {
    **chain("numbers", output="{{ input.count }}"),
    "metadata": {"description": "Says a number again."},
}
NUMBERS["nodes"][0]["schema"] = {
    "type": "object",
    "properties": {"count": {"type": "integer", "minimum": 1}},
    "required": ["count"],
}
FORM = {"type": "object", "properties": {"amount": {"type": "integer", "minimum": 1}}, "required": ["amount"]}
ASKING = chain("pay", {"id": "ask", "type": "approval", "title": "Pay {{ input }}?", "form": FORM}, output="{{ ask }}")


@pytest.fixture
async def product(committed_world: World) -> AsyncIterator[Served]:
    async with served() as product:
        yield product


async def kept(world: World, *documents: Any) -> None:
    for document in documents:
        await asyncio.to_thread(keep, world.dev, world, document)


@pytest.mark.parametrize("mode", BOTH)
async def test_flows_are_listed_with_their_schemas_and_called(
    committed_world: World, product: Served, mode: str
) -> None:
    # given
    await kept(committed_world, ECHO, NUMBERS)
    told: list[str | None] = []

    async def progress(_at: float, _total: float | None, message: str | None) -> None:
        told.append(message)

    async with speaking(product, committed_world.dev, mode=mode) as client:
        # when
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        with working():
            result = await client.call_tool("flow__numbers", {"count": 3}, progress_callback=progress)
            text = await client.call_tool("flow.echo", {"input": "hello"})
            wrong = await client.call_tool("flow__numbers", {"count": 0})
    # then
    assert set(tools) == {"flow__echo", "flow__numbers", "run_result"}
    assert tools["flow__numbers"].description == "Says a number again."
    assert tools["flow__numbers"].input_schema == NUMBERS["nodes"][0]["schema"]
    assert tools["flow__echo"].input_schema["required"] == ["input"]
    assert (result.is_error, result.structured_content["output"]) == (False, 3)
    assert result.structured_content["status"] == "succeeded"
    assert text.content[0].text == "hello!"
    assert (result.structured_content["run_id"] in str(told[0]), told[1]) == (True, "Run accepted.")
    assert wrong.is_error
    assert "count: " in wrong.content[0].text


@pytest.mark.parametrize("mode", BOTH)
async def test_an_approval_is_asked_through_the_client(committed_world: World, product: Served, mode: str) -> None:
    # given
    await kept(committed_world, ASKING)
    answers = iter([{"amount": 0}, {"amount": 7}]) if mode == SESSIONS else iter([{"amount": 7}])
    asked: list[Any] = []

    async def answer(_ctx: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params)
        return types.ElicitResult(action="accept", content=next(answers))

    async with speaking(product, committed_world.dev, mode=mode, elicitation_callback=answer) as client:
        with working():
            result = await client.call_tool("flow__pay", {"input": "rent"})
    assert result.structured_content["output"]["form"] == {"amount": 7}
    assert asked[0].message.startswith("Pay rent?")
    assert asked[0].requested_schema == FORM
    if mode == SESSIONS:
        assert "does not fit" in asked[1].message  # what did not fit was told, and asked again


@pytest.mark.parametrize("mode", BOTH)
async def test_a_call_that_waits_is_shown_and_approved_through_the_client(
    committed_world: World, product: Served, ruling: Ruling, outside: Outside, mode: str
) -> None:
    # given a flow whose call has to be approved, first by its caller alone, then by two people
    await kept(committed_world, ordering(outside, "lamps"))
    ruling.asks()
    shown: list[str] = []

    async def accept(_ctx: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        shown.append(params.message)
        return types.ElicitResult(action="accept")

    async with speaking(product, committed_world.dev, mode=mode, elicitation_callback=accept) as client:
        with working():
            made = await client.call_tool("flow__ordering", {"input": "x"})
            ruling.asks(people=2)
            half = await client.call_tool("flow__ordering", {"input": "x"})
    # then the first was made as it was shown, and the second waits for somebody else
    assert made.structured_content["status"] == "succeeded"
    assert "lamps" in shown[0]
    assert "/orders" in shown[0]
    assert list(outside.orders.values()) == [{"text": "lamps"}]
    assert half.structured_content["status"] == "waiting"
    assert len(shown) == 2


@pytest.mark.parametrize("mode", [SESSIONS])
async def test_declining_rejects_and_dismissing_decides_nothing(
    committed_world: World, product: Served, mode: str
) -> None:
    await kept(committed_world, ASKING)

    def saying(action: Any) -> Any:
        async def answer(_ctx: Any, _params: Any) -> types.ElicitResult:
            return types.ElicitResult(action=action)

        return answer

    with working():
        async with speaking(product, committed_world.dev, mode=mode, elicitation_callback=saying("decline")) as client:
            declined = await client.call_tool("flow__pay", {"input": "rent"})
        async with speaking(product, committed_world.dev, mode=mode, elicitation_callback=saying("cancel")) as client:
            dismissed = await client.call_tool("flow__pay", {"input": "rent"})
    assert declined.structured_content["error"]["code"] == "rejected"
    assert dismissed.structured_content["status"] == "waiting"


@pytest.mark.parametrize("mode", [MODERN])
async def test_who_cannot_be_asked_is_told_where_to_approve(committed_world: World, product: Served, mode: str) -> None:
    # given a client that cannot be asked
    await kept(committed_world, ASKING)
    async with speaking(product, committed_world.dev, mode=mode) as client:
        with working():
            waiting = await client.call_tool("flow__pay", {"input": "rent"})
            run_id = waiting.structured_content["run_id"]
            assert not waiting.is_error
            assert f"/runs/{run_id}/" in waiting.content[0].text
            assert waiting.structured_content["waiting"][0]["title"] == "Pay rent?"
            # when it is approved there
            decision = {"node_id": "ask", "decision": "approve", "form": {"amount": 2}}
            path = f"/api/v1/runs/{run_id}/decide/"
            decided = await product.http.post(path, json=decision, headers=bearer(committed_world.dev))
            assert decided.status_code == 202
            # then the call can be come back to
            result = await client.call_tool("run_result", {"run_id": run_id})
    assert result.structured_content["output"]["form"] == {"amount": 2}


@pytest.mark.parametrize("mode", BOTH)
async def test_a_cancelled_call_cancels_its_run(
    committed_world: World, product: Served, truth: psycopg.Connection, mode: str
) -> None:
    # given a call whose run nobody has taken yet
    await kept(committed_world, ECHO)
    async with speaking(product, committed_world.dev, mode=mode) as client:
        started = asyncio.Event()

        async def progress(*_: Any) -> None:
            started.set()

        call = asyncio.create_task(client.call_tool("flow__echo", {"input": "x"}, progress_callback=progress))
        await asyncio.wait_for(started.wait(), 10)
        # when
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        # then
        async with asyncio.timeout(10):
            while truth.execute("select is_cancelling from agents_run").fetchone() != (True,):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert truth.execute("select count(*) from agents_run").fetchone() == (1,)


@pytest.mark.parametrize("mode", BOTH)
async def test_another_organization_sees_and_calls_nothing_of_it(
    committed_world: World, product: Served, mode: str
) -> None:
    # given
    await kept(committed_world, ECHO)
    path = f"/api/v1/projects/{committed_world.project.pk}/files/notes/über.md"
    stored = await product.http.put(path, content=b"# Notes", headers=bearer(committed_world.dev))
    assert stored.status_code in (200, 201), stored.text
    with working():
        async with speaking(product, committed_world.dev, mode=mode) as client:
            run_id = (await client.call_tool("flow__echo", {"input": "x"})).structured_content["run_id"]
            files = [resource.uri for resource in (await client.list_resources()).resources]
            (content,) = (await client.read_resource(files[0])).contents
    assert content.text == "# Notes"
    # when
    async with speaking(product, committed_world.stranger, mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        resources = (await client.list_resources()).resources
        unknown = await client.call_tool("run_result", {"run_id": run_id})
        with pytest.raises(MCPError, match="No tool") as no_tool:
            await client.call_tool("flow__echo", {"input": "x"})
        with pytest.raises(MCPError, match="project") as no_file:
            await client.read_resource(files[0])
    # then
    assert (names, resources) == (["run_result"], [])
    assert unknown.is_error
    assert "No run" in unknown.content[0].text
    assert (no_tool.value.code, no_file.value.code) == (-32602, -32602 if mode == MODERN else -32002)


async def test_every_message_needs_a_token_that_may_run_flows(committed_world: World, product: Served) -> None:
    world = committed_world
    read_only = await asyncio.to_thread(issue_token, world.admin.actor, name="r", scopes=[TokenScope.READ])
    asked = rpc("tools/list")

    async def post(token: str | None, **headers: str) -> Any:
        signed = {"Authorization": f"Bearer {token}"} if token else {}
        return await product.http.post("/mcp", json=asked, headers={**ACCEPT, **signed, **headers})

    nobody, made_up = await post(None), await post("cos_pat_" + "x" * 36)
    viewer, reader = await post(world.viewer.token), await post(read_only.value)
    elsewhere = await post(world.dev.token, Origin="https://evil.example")
    assert [nobody.status_code, made_up.status_code] == [401, 401]
    assert [viewer.status_code, reader.status_code, elsewhere.status_code] == [403, 403, 403]
    assert elsewhere.json()["code"] == "origin_refused"
    assert 'error="insufficient_scope", scope="run"' in reader.headers["WWW-Authenticate"]
    # and says where a client learns more
    _, _, address = nobody.headers["WWW-Authenticate"].partition('resource_metadata="')
    assert address.startswith("http")
    path = "/" + address.rstrip('"').split("/", 3)[3]
    metadata = (await product.http.get(path)).json()
    assert metadata["resource"].endswith("/mcp")
    assert metadata["scopes_supported"] == ["run"]


async def test_a_session_answers_to_the_token_that_opened_it_alone(committed_world: World, product: Served) -> None:
    # given
    opened = await product.http.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **bearer(committed_world.dev)})
    session = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25", **ACCEPT}
    asked = rpc("tools/list", id_=2)
    # when
    answers = [
        await product.http.post("/mcp", json=asked, headers={**session, **bearer(who)})
        for who in (committed_world.stranger, committed_world.lead, committed_world.dev)
    ]
    ended = await product.http.request("DELETE", "/mcp", headers={**session, **bearer(committed_world.lead)})
    # then
    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert ended.status_code == 404


async def test_a_token_that_is_revoked_ends_its_session(committed_world: World, product: Served) -> None:
    world = committed_world
    token = await asyncio.to_thread(issue_token, world.dev.actor, name="t")
    signed = {"Authorization": f"Bearer {token.value}"}
    opened = await product.http.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **signed})
    session = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25", **ACCEPT}
    revoked = await product.http.delete(f"/api/v1/tokens/{token.token.pk}/", headers=bearer(world.admin))
    assert revoked.status_code == 204
    answer = await product.http.post("/mcp", json=rpc("tools/list", id_=2), headers={**session, **signed})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")


async def test_one_session_too_many_ends_the_oldest_of_that_token(
    committed_world: World, product: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.mcp_server.speaker.MOST_SESSIONS", 2)
    sessions = []
    for _ in range(3):
        opened = await product.http.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **bearer(committed_world.dev)})
        sessions.append(opened.headers["Mcp-Session-Id"])
    answers = [
        await product.http.post(
            "/mcp",
            json=rpc("ping", id_=2),
            headers={**ACCEPT, "Mcp-Session-Id": session, **bearer(committed_world.dev)},
        )
        for session in sessions
    ]
    assert [answer.status_code for answer in answers] == [404, 200, 200]


async def test_one_token_too_many_ends_the_sessions_of_who_was_longest_not_heard_of(
    committed_world: World, product: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.mcp_server.speaker.MOST_TOKENS", 1)
    people, sessions = (committed_world.dev, committed_world.lead), []
    for who in people:
        opened = await product.http.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **bearer(who)})
        sessions.append(opened.headers["Mcp-Session-Id"])
    answers = [
        await product.http.post(
            "/mcp", json=rpc("ping", id_=2), headers={**ACCEPT, "Mcp-Session-Id": session, **bearer(who)}
        )
        for who, session in zip(people, sessions, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [404, 200]


async def test_a_server_that_did_not_come_up_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    # given what speaks the protocol, which never comes up
    class Never:
        @classmethod
        async def begin(cls, _make: Any) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("agents.mcp_server.door.BEGIN_SECONDS", 0.01)
    monkeypatch.setattr("agents.mcp_server.door._speaker_class", lambda: Never)
    door = McpDoor(None)  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        await door._speaker()
    # when it is asked for once more, then it is tried once more
    again = door._speaker()
    assert not again.done()
    with pytest.raises(TimeoutError):
        await again


async def test_what_is_too_large_or_no_message_is_refused(committed_world: World, product: Served) -> None:
    signed = {**ACCEPT, **bearer(committed_world.dev), "Content-Type": "application/json"}
    large = await product.http.post("/mcp", content=b" " * (2 * 1024 * 1024 + 1), headers=signed)
    nonsense = await product.http.post("/mcp", content=b"{", headers=signed)
    assert (large.status_code, nonsense.status_code) == (413, 400)
