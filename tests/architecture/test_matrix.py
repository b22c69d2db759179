# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every method of every route answers each role as tests/architecture/matrix.py declares, and no other's things."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts.operations.tokens import issue_token
from accounts.roles import TokenScope
from tests.architecture.matrix import COLUMNS, PREFIXES, ROWS, Row
from tests.architecture.routes import Route, address, every_route, names_in
from tests.architecture.things import acmes_things, others_things, unknown_things
from tests.factories import Someone, World, client_for, make_world, sign_in

ROUTES = [route for route in every_route() if not route.pattern.startswith(PREFIXES)]
OWN = {
    "path",
    "form",
    "number",
    "hook",
    "place",
    "deed",
}  # the same in every organization: no ids, or asked for a signature alone


def test_every_route_has_its_rows() -> None:
    declared = {(row.route, row.method) for row in ROWS}
    missing = [
        f"{method} {route.pattern}"
        for route in ROUTES
        for method in sorted(route.methods) or ["GET", "POST"][: _any_row(route)]
        if (route.pattern, method) not in declared
    ]
    assert not missing, "add a row to tests/architecture/matrix.py for: " + ", ".join(missing)


def _any_row(route: Route) -> int:
    """A plain function does not say its methods: one row suffices, and its absence is told as GET."""
    return 0 if any(row.route == route.pattern for row in ROWS) else 1


def test_every_row_has_its_route() -> None:
    known = {route.pattern for route in ROUTES}
    assert [row.name for row in ROWS if row.route not in known] == []


def test_every_row_answers_every_column() -> None:
    assert [row.name for row in ROWS if len(row.statuses) != len(COLUMNS)] == []


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Both organizations, made once for all rows: each request is taken back by itself."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def acmes(world: World) -> dict[str, str]:
    """One of everything in Acme."""
    return acmes_things(world)


@pytest.fixture(scope="module")
def others(world: World) -> dict[str, str]:
    """One of everything in the other organization."""
    return others_things(world)


@pytest.fixture(scope="module")
def clients(world: World) -> dict[str, APIClient]:
    """A client for each column."""
    return {column: _client(world, column) for column in COLUMNS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_matrix(clients: dict[str, APIClient], acmes: dict[str, str], row: Row) -> None:
    got = {column: _ask(clients[column], row, acmes) for column in COLUMNS}
    assert got == dict(zip(COLUMNS, row.statuses, strict=True))


@pytest.mark.parametrize("row", [row for row in ROWS if names_in(row.route) - OWN], ids=lambda row: row.name)
def test_the_other_organizations_things_do_not_exist(
    clients: dict[str, APIClient], others: dict[str, str], row: Row
) -> None:
    assert _ask(clients["org_admin"], row, others) == 404
    # Who may not even look gets the same answer for what exists elsewhere as for what exists nowhere.
    for column in ("team_lead", "developer", "viewer"):
        status = _ask(clients[column], row, others)
        assert status in {403, 404}
        assert status == _ask(clients[column], row, unknown_things())


def _client(world: World, column: str) -> APIClient:
    people: dict[str, Someone] = {
        "stranger": world.stranger,
        "system_admin": world.system_admin,
        "org_admin": world.admin,
        "team_lead": world.lead,
        "developer": world.dev,
        "viewer": world.viewer,
    }
    if column == "token":
        return client_for(issue_token(world.admin.actor, name="Reader", scopes=[TokenScope.READ]).value)
    return _signed_in(people[column]) if column in people else client_for(None)


def _signed_in(someone: Someone) -> APIClient:
    client = client_for(None)
    sign_in(client, someone.person)
    return client


def _ask(client: APIClient, row: Row, things: dict[str, str]) -> int:
    """Send the row's request and take back whatever it changed."""
    taken_back = transaction.atomic()
    # As Django's own test case does: what must stand when it is left may stand in this transaction.
    taken_back._from_testcase = True  # type: ignore[attr-defined]
    with taken_back:
        status = int(client.generic(row.method, address(row.route, things), **_sent(row, things)).status_code)
        transaction.set_rollback(True)
    return status


def _sent(row: Row, things: dict[str, str]) -> dict[str, Any]:
    if isinstance(row.body, bytes):
        return {"data": row.body, "content_type": "application/octet-stream", "headers": dict(row.headers)}
    if row.body is None:
        return {"headers": dict(row.headers)}
    text = json.dumps(row.body)
    for name, value in things.items():
        text = text.replace(f"{{{name}}}", value)
    if row.is_form:
        return {"data": urlencode(json.loads(text)), "content_type": "application/x-www-form-urlencoded"}
    return {"data": text, "content_type": "application/json", "headers": dict(row.headers)}
