# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who may watch a run over a socket: by token, by ticket, and who may not."""

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings as configured
from django.test import AsyncClient

from accounts.operations.members import remove_member
from accounts.operations.projects import create_project
from accounts.operations.tokens import issue_token, revoke_token
from accounts.roles import TokenScope
from accounts.tenancy import tenant
from agents.consumers import BROKEN
from agents.operations.tickets import issue_ticket
from codexos.asgi import application
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from tests.agents.live import Served, seqs, served, take, writing_down
from tests.agents.test_worker import accept
from tests.factories import Someone, World

COLUMNS = {
    "nobody": 4401,
    "stranger": 4404,
    "system_admin": 1000,
    "admin": 1000,
    "lead": 1000,
    "dev": 1000,
    "viewer": 1000,
}


@pytest.fixture
async def run_id(committed_world: World) -> UUID:
    """A run that was accepted and has come to its end."""
    made = await asyncio.to_thread(accept, committed_world.dev)
    async with writing_down(made) as scribe:
        await scribe.write(text="one")
        await scribe.finish()
    return made


async def close_code(run_id: object, token: str | None = None, *, query: str = "", **headers: str) -> int:
    """Watch a run and return the code its socket is closed with."""
    return (await closing(run_id, token, query=query, **headers))["code"]


async def closing(run_id: object, token: str | None = None, *, query: str = "", **headers: str) -> dict[str, Any]:
    given = {"host": "localhost", **headers, **({"authorization": f"Bearer {token}"} if token else {})}
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    socket = WebsocketCommunicator(application, f"/ws/runs/{run_id}/?{query}", headers=pairs)
    is_accepted, _ = await socket.connect(timeout=10)
    assert is_accepted
    while (message := await socket.receive_output(timeout=10))["type"] == "websocket.send":
        pass
    assert message["type"] == "websocket.close"
    await socket.disconnect()
    return dict(message)


async def ticket_for(run_id: UUID, who: Someone) -> str:
    return (await sync_to_async(issue_ticket)(who.actor, run_id=run_id)).value


@pytest.mark.parametrize(("column", "code"), COLUMNS.items())
async def test_matrix_of_the_socket(committed_world: World, run_id: UUID, column: str, code: int) -> None:
    who = None if column == "nobody" else getattr(committed_world, column)
    assert await close_code(run_id, who and who.token) == code
    # The other organization's run, and one that is nowhere, are the same to everybody.
    foreign = await asyncio.to_thread(accept, committed_world.stranger)
    unknown = 4401 if column == "nobody" else 4404
    if column != "stranger":
        assert await close_code(foreign, who and who.token) == unknown
    assert await close_code(new_id(), who and who.token) == unknown
    assert await close_code("..%2F..%2Fhealthz", who and who.token) == 4404


@pytest.mark.parametrize(("column", "code"), COLUMNS.items())
async def test_matrix_of_the_ticket(committed_world: World, run_id: UUID, column: str, code: int) -> None:
    if column == "nobody":
        assert await close_code(run_id, query="ticket=") == 4401
        return
    who = getattr(committed_world, column)
    answer = await AsyncClient().post(
        f"/api/v1/runs/{run_id}/ticket/", headers={"Authorization": f"Bearer {who.token}"}
    )
    assert answer.status_code == (201 if code == 1000 else 404)
    if code == 1000:
        assert set(answer.json()) == {"ticket", "expires_at", "url"}
        assert answer["Cache-Control"] == "no-store"
        assert answer.json()["url"].startswith(f"ws://127.0.0.1:{configured.PORT}/ws/runs/{run_id}/?ticket=")
        assert await close_code(run_id, query=f"ticket={answer.json()['ticket']}") == 1000


async def test_a_token_for_another_project_sees_no_run(committed_world: World, run_id: UUID) -> None:
    def narrowed() -> tuple[str, str]:
        other = create_project(committed_world.admin.actor, name="Other", team=committed_world.team.id)
        here = committed_world.project
        return tuple(  # type: ignore[return-value]
            issue_token(committed_world.admin.actor, name="Narrow", project=project).value for project in (other, here)
        )

    elsewhere, here = await asyncio.to_thread(narrowed)
    assert await close_code(run_id, elsewhere) == 4404
    assert await close_code(run_id, here) == 1000


async def test_a_token_that_only_reads_may_watch(committed_world: World, run_id: UUID) -> None:
    def reader() -> str:
        return issue_token(committed_world.admin.actor, name="Reader", scopes=[TokenScope.READ]).value

    assert await close_code(run_id, await asyncio.to_thread(reader)) == 1000


async def test_a_session_does_not_open_a_socket(committed_world: World, run_id: UUID) -> None:
    client = AsyncClient()
    backend = configured.AUTHENTICATION_BACKENDS[0]
    await client.aforce_login(committed_world.dev.person, backend=backend)
    cookie = f"{configured.SESSION_COOKIE_NAME}={client.cookies[configured.SESSION_COOKIE_NAME].value}"
    assert await close_code(run_id, cookie=cookie) == 4401


async def test_a_ticket_opens_once(committed_world: World, run_id: UUID) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)
    attempts = [close_code(run_id, query=f"ticket={ticket}") for _ in range(5)]
    assert sorted(await asyncio.gather(*attempts)) == [1000, 4401, 4401, 4401, 4401]


async def test_a_ticket_spelled_otherwise_opens_no_second_time(committed_world: World, run_id: UUID) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)
    assert await close_code(run_id, query=f"ticket={ticket}") == 1000
    for other in (f"{ticket}%3D", f"{ticket}%3D%3D", f"{ticket[:5]}%20{ticket[5:]}", f"{ticket}AAAA"):
        assert await close_code(run_id, query=f"ticket={other}") == 4401


async def test_a_ticket_expires(committed_world: World, run_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    refusal = await closing(run_id, query=f"ticket={ticket}")
    assert (refusal["code"], refusal["reason"]) == (4401, "This ticket has expired. Ask for another one.")


async def test_a_ticket_is_for_one_run_of_one_organization(committed_world: World, run_id: UUID) -> None:
    another = await asyncio.to_thread(accept, committed_world.dev)
    foreign = await asyncio.to_thread(accept, committed_world.stranger)
    ticket = await ticket_for(run_id, committed_world.dev)
    theirs = await ticket_for(foreign, committed_world.stranger)
    assert await close_code(another, query=f"ticket={ticket}") == 4401
    assert await close_code(foreign, query=f"ticket={ticket}") == 4401
    assert await close_code(run_id, query=f"ticket={theirs}") == 4401
    # Whoever tried it at the wrong door has not used it up.
    assert await close_code(run_id, query=f"ticket={ticket}") == 1000


@pytest.mark.parametrize("forged", ["x", "AAAA" * 30, "%00", "%C3%A9", "A" * 5000])
async def test_a_made_up_ticket_opens_nothing(committed_world: World, run_id: UUID, forged: str) -> None:
    assert await close_code(run_id, query=f"ticket={forged}") == 4401


async def test_a_changed_ticket_opens_nothing(committed_world: World, run_id: UUID) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)
    changed = ticket[:20] + ("A" if ticket[20] != "A" else "B") + ticket[21:]
    assert await close_code(run_id, query=f"ticket={changed}") == 4401
    # A bad ticket is not made good by a good token beside it.
    assert await close_code(run_id, committed_world.dev.token, query=f"ticket={changed}") == 4401


async def test_a_person_removed_meanwhile_comes_in_no_more(
    committed_world: World, run_id: UUID, truth: psycopg.Connection
) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)

    def leave() -> None:
        from accounts.models import Membership

        with tenant(committed_world.acme.id):
            found = Membership.objects.for_organization(committed_world.acme.id).get(person=committed_world.dev.person)
        remove_member(committed_world.admin.actor, str(found.id))

    await asyncio.to_thread(leave)
    assert await close_code(run_id, query=f"ticket={ticket}") == 4401
    assert await close_code(run_id, committed_world.dev.token) == 4401


async def test_a_ticket_ends_with_the_token_that_asked_for_it(committed_world: World, run_id: UUID) -> None:
    answer = await AsyncClient().post(
        f"/api/v1/runs/{run_id}/ticket/", headers={"Authorization": f"Bearer {committed_world.dev.token}"}
    )

    def revoke() -> None:
        from accounts.models import ApiToken

        with tenant(committed_world.acme.id):
            rows = ApiToken.objects.for_organization(committed_world.acme.id)
            (token,) = rows.filter(person=committed_world.dev.person)
        revoke_token(committed_world.dev.actor, token_id=token.id)

    await asyncio.to_thread(revoke)
    assert await close_code(run_id, query=f"ticket={answer.json()['ticket']}") == 4401


async def test_without_redis_no_ticket_is_taken(
    committed_world: World, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)
    monkeypatch.setattr(configured, "REDIS_URL", "redis://127.0.0.1:1/0")
    assert await close_code(run_id, query=f"ticket={ticket}") == 4503


async def test_a_ticket_is_in_no_log(committed_world: World, run_id: UUID, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with served() as product:
        ticket = await product.ticket(run_id, committed_world.dev)
        async with product.socket(run_id, ticket=ticket, after=0) as line:
            assert seqs(await take(line)) == [1, 2]
        async with product.socket(run_id, ticket=ticket) as line:
            await line.wait_closed()
            assert line.close_code == 4401
    # What the client's own library says is on the client's side.
    written = [record.getMessage() for record in caplog.records if not record.name.startswith(("websockets", "httpx"))]
    assert any("/ws/runs/" in line for line in written)
    assert not any(ticket in line for line in written)


async def test_a_ticket_opens_no_address_of_http(committed_world: World, run_id: UUID) -> None:
    ticket = await ticket_for(run_id, committed_world.dev)
    answer = await AsyncClient().get(f"/api/v1/runs/{run_id}/events?ticket={ticket}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("http://localhost", 1000),
        ("http://evil.example", 4403),
        ("https://localhost", 4403),
        ("null", 4403),
        ("http://localhost.evil.example", 4403),
    ],
)
async def test_pages_of_other_sites_are_refused(committed_world: World, run_id: UUID, origin: str, code: int) -> None:
    assert await close_code(run_id, committed_world.dev.token, origin=origin) == code


async def test_a_host_that_is_not_ours_is_refused(committed_world: World, run_id: UUID) -> None:
    assert await close_code(run_id, committed_world.dev.token, host="evil.example") == 4400


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "", "9999999999", "%00", "٣"])
async def test_an_after_that_is_no_seq_is_refused(committed_world: World, run_id: UUID, after: str) -> None:
    assert await close_code(run_id, committed_world.dev.token, query=f"after={after}") == 4400


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9999999999", "²"])
@pytest.mark.parametrize("place", ["after", "Last-Event-ID"])
async def test_a_stream_is_not_begun_anew_where_its_place_cannot_be_read(
    committed_world: World, run_id: UUID, place: str, after: str
) -> None:
    headers = {"Authorization": f"Bearer {committed_world.dev.token}"}
    query = f"?after={after}" if place == "after" else ""
    answer = await AsyncClient().get(
        f"/api/v1/runs/{run_id}/events{query}", headers=headers if query else {**headers, place: after}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == place


async def test_an_address_nobody_serves(committed_world: World) -> None:
    socket = WebsocketCommunicator(application, "/ws/nothing/")
    await socket.connect()
    assert (await socket.receive_output())["code"] == 4404
    await socket.disconnect()


async def test_guessing_is_counted(committed_world: World, run_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configured, "API_RATE_PER_MINUTE", 3)
    token = (await asyncio.to_thread(issue_token, committed_world.lead.actor, name="Counted")).value
    codes = [await close_code(run_id, token) for _ in range(5)]
    assert codes == [1000, 1000, 1000, 4429, 4429]


async def test_a_run_whose_reading_breaks_says_so(
    committed_world: World, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_words: Any, **_options: Any) -> None:
        raise RuntimeError("secret details")

    monkeypatch.setattr("agents.operations.live.read_page", broken)
    told = await closing(run_id, committed_world.dev.token)
    assert told["code"] == BROKEN
    assert "secret" not in json.dumps(told)


async def test_the_door_stays_shut_to_a_stranger_while_the_run_goes_on(committed_world: World) -> None:
    going_on = await asyncio.to_thread(accept, committed_world.dev)
    async with served() as product, writing_down(going_on) as scribe:
        assert isinstance(product, Served)
        async with product.socket(going_on, committed_world.stranger) as line:
            await scribe.write(text="not for them")
            assert [text async for text in _texts(line)] == []
            assert line.close_code == 4404


async def _texts(line: Any) -> Any:
    from websockets.exceptions import ConnectionClosed

    while True:
        try:
            yield await line.recv()
        except ConnectionClosed:
            return
