# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Programs, who bring a token: past what is for browsers, through every wall, with few questions to the database."""

from typing import Any

import psycopg
import pytest
from django.test import Client
from django.urls import resolve

from codexos.middleware import InnerMiddleware
from tests.factories import Someone, World, client_for, sign_in

LISTS = ("projects", "flows", "runs", "teams", "tokens")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Requests that came through all that is for browsers."""
    found: list[Any] = []
    listen = InnerMiddleware.__call__
    monkeypatch.setattr(InnerMiddleware, "__call__", lambda self, one: [found.append(one), listen(self, one)][1])
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the database."""
    found: list[str] = []
    send = psycopg.ClientCursor._execute_send

    def listen(cursor: Any, query: Any, **options: Any) -> None:
        found.append(query.query.decode())
        send(cursor, query, **options)

    monkeypatch.setattr(psycopg.ClientCursor, "_execute_send", listen)
    return found


def bearer(who: Someone, *, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {who.token}"}


def test_a_program_gets_the_headers_that_a_browser_gets(world: World, client: Client, seen: list[Any]) -> None:
    sign_in(client, world.dev.person)
    browser = client.get("/api/v1/projects/")
    program = Client().get("/api/v1/projects/", headers=bearer(world.dev))
    assert len(seen) == 1
    assert program.json() == browser.json()
    apart = {"X-Request-ID", "RateLimit"}
    assert {**program.headers, "Vary": ""} == {
        **browser.headers,
        "Vary": "",
        **{name: program.headers[name] for name in apart if name in program.headers},
    }
    assert program.headers["Vary"] == "Accept-Language"
    assert not program.cookies


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_looked_at_and_no_session_beside_it(
    world: World, client: Client, seen: list[Any], scheme: str
) -> None:
    sign_in(client, world.dev.person)
    theirs = client.get("/api/v1/projects/", headers=bearer(world.stranger, scheme=scheme)).json()["results"]
    assert str(world.project.pk) not in {project["id"] for project in theirs}
    assert client.get("/api/v1/projects/", headers={"Authorization": f"{scheme} cos_pat_no"}).status_code == 401
    assert seen == []


def test_a_token_signs_nobody_in_to_pages(world: World, seen: list[Any]) -> None:
    answer = Client().get("/settings/projects/", headers=bearer(world.dev))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/login/?next=/settings/projects/")
    assert len(seen) == 1


def test_other_schemes_and_empty_headers_go_the_long_way(world: World, seen: list[Any]) -> None:
    for header in ("Basic abc", "Bearer", ""):
        assert Client().get("/api/v1/projects/", headers={"Authorization": header}).status_code == 401
    assert len(seen) == 3


def test_a_program_finds_nothing_where_nothing_is_and_is_spoken_to_in_its_language(world: World) -> None:
    answer = Client().get("/api/v1/nowhere/", headers={**bearer(world.dev), "Accept-Language": "de"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == ("de", "Accept-Language")


def test_what_needs_a_session_is_refused_to_tokens(world: World) -> None:
    assert client_for(world.dev).post(f"/api/v1/organizations/{world.acme.pk}/choose/").status_code == 403


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_costs_two_statements(committed_world: World, sent: list[str], noun: str) -> None:
    program = client_for(committed_world.admin)
    assert program.get(f"/api/v1/{noun}/").status_code == 200
    sent.clear()
    assert program.get(f"/api/v1/{noun}/").status_code == 200
    token, page = sent
    assert token.startswith("select * from app.open_api_token(")
    assert page.startswith("begin; set local app.tenant_token = 'tenant.")


def test_every_address_of_the_api_is_found_below_its_first_word() -> None:
    assert resolve("/api/v1/projects/a/files/b/c.md").kwargs == {"project": "a", "path": "b/c.md"}
    assert resolve("/api/v1/projects/a/").kwargs == {"project": "a"}
    assert resolve("/api/v1/runs/a/").url_name == "api-run"
    assert resolve("/api/v1/runs/a/").route == "api/v1/runs/<str:run_id>/"
