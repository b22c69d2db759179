# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lists of flows and runs read what they show in one statement each, however many rows there are."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.operations.flows import create_flow
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from tests.factories import World, client_for

WORDS = "a long input that no list has any use for"
LISTS = ("/api/v1/flows/", "/api/v1/runs/")


@pytest.fixture
def rows(world: World) -> World:
    """Three published flows, one of them nobody's own, and a run of each."""
    for name in ("one", "two", "three"):
        nodes = [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}]
        document = {"id": name, "nodes": nodes}
        flow = create_flow(world.admin.actor, project=world.project, document=document, is_team_template=name == "two")
        publish_flow(world.admin.actor, flow=str(flow.id))
        start_run(world.dev.actor, request=RunRequest(agent_id=str(flow.id), input=WORDS))
    return world


@pytest.mark.parametrize("path", LISTS)
def test_the_api_asks_once_and_leaves_the_large_things_where_they_are(rows: World, api: Any, path: str) -> None:
    client = api(rows.dev)
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = client.get(path)
    assert len(answer.json()["results"]) == 3
    about_rows = [query["sql"] for query in asked if 'FROM "agents_' in query["sql"]]
    assert len(about_rows) == 1
    assert '"document"' not in about_rows[0]
    assert WORDS not in answer.text


@pytest.mark.parametrize(("path", "most"), [("/flows/", 3), ("/runs/", 3), ("/", 4)])
def test_the_pages_show_all_that_they_name(rows: World, path: str, most: int) -> None:
    browser = Client()
    browser.force_login(rows.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    with CaptureQueriesContext(connection) as asked:
        text = browser.get(path).content.decode()
    assert all(name in text for name in ("one", "two", "three"))
    about_rows = [query["sql"] for query in asked if 'FROM "agents_' in query["sql"] and "COUNT(" not in query["sql"]]
    # The rows, how flows went lately or the flows to choose from, and the questions that wait: home lists them too.
    assert len(about_rows) == most
    assert not any('"document"' in statement for statement in about_rows)


@pytest.mark.parametrize("path", ["runs", "memory", "flows", "tool-servers"])
def test_lists_take_a_project_alike_by_its_id_or_its_short_name(rows: World, path: str) -> None:
    client = client_for(rows.dev)
    whole = client.get(f"/api/v1/{path}/").json()["results"]
    for named in (rows.project.pk, rows.project.slug):
        assert client.get(f"/api/v1/{path}/", {"project_id": str(named)}).json()["results"] == whole
    # One that there is not, or that is none of theirs, is told so and is no empty list.
    for named in ("nothing", str(rows.other_project.pk)):
        assert client.get(f"/api/v1/{path}/", {"project_id": named}).status_code == 404
