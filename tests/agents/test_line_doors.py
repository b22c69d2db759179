# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Policies, places and lines as people and programs meet them: by API, on pages, in German too."""

import asyncio

import pytest
from django.conf import settings

from agents.models import Flow, Run
from tests.agents.test_flow_pages import browse
from tests.agents.test_lines import a_flow, claimed, start
from tests.factories import World, client_for


@pytest.fixture
def flow(committed_world: World) -> Flow:
    """A flow of the developer's whose runs go one behind another."""
    return a_flow(committed_world.dev, committed_world, concurrency="queue")


@pytest.fixture
def second(committed_world: World, flow: Flow) -> Run:
    """A run of it that stands behind another."""
    start(committed_world.dev, flow)
    return start(committed_world.dev, flow)


def test_a_policy_is_changed_by_who_may_change_the_flow(committed_world: World, flow: Flow) -> None:
    wanted = {"concurrency": "reject", "concurrency_scope": "conversation"}
    address = f"/api/v1/flows/{flow.id}/"
    answer = client_for(committed_world.dev).patch(address, wanted, format="json")
    assert {name: answer.json()[name] for name in wanted} == wanted
    for who, status in ((committed_world.viewer, 403), (committed_world.stranger, 404), (None, 401)):
        assert client_for(who).patch(address, wanted, format="json").status_code == status
    refused = client_for(committed_world.dev).patch(address, {"concurrency": "sometimes"}, format="json")
    assert refused.status_code == 422
    audit = client_for(committed_world.admin).get("/api/v1/audit-events/?limit=20").json()["results"]
    assert any("reject" in str(event) for event in audit)


def test_a_rejected_start_names_the_run_that_is_not_over(committed_world: World) -> None:
    flow = a_flow(committed_world.dev, committed_world, concurrency="reject", concurrency_scope="conversation")
    first = start(committed_world.dev, flow, "talk")
    client = client_for(committed_world.dev)
    body = {"agent_id": str(flow.id), "conversation_id": "talk"}
    answer = client.post("/agent/run", body, format="json", headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["code"]) == (409, "run_under_way")
    assert answer.json()["run_id"] == str(first.id)
    other = {**body, "conversation_id": "another"}
    answer = client.post("/agent/run", other, format="json", headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["conversation_id"]) == (202, "another")
    long = {**body, "conversation_id": "x" * 201}
    assert client.post("/agent/run", long, format="json").status_code == 422


def test_a_full_queue_says_when_to_come_back(
    committed_world: World, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "QUEUED_RUNS_PER_ORGANIZATION", 0)
    answer = client_for(committed_world.dev).post("/agent/run", {"agent_id": str(flow.id)}, format="json")
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert answer.json()["code"] == "too_many_runs_queued"


def test_a_run_says_what_it_is_queued_for(committed_world: World, flow: Flow, second: Run) -> None:
    told = client_for(committed_world.viewer).get(f"/api/v1/runs/{second.id}/").json()["queued_for"]
    assert told["reason"] == "line"
    assert told["run_id"] != str(second.id)
    page = browse(committed_world.viewer).get(f"/runs/{second.id}/").content.decode()
    assert "this flow is run one at a time" in page
    assert f"/runs/{told['run_id']}/" in page
    assert "behind an earlier run" in browse(committed_world.viewer).get("/runs/").content.decode()
    assert client_for(committed_world.stranger).get(f"/api/v1/runs/{second.id}/").status_code == 404


def test_pages_say_how_many_runs_take_the_places(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "RUNS_PER_ORGANIZATION", 1)
    flow = a_flow(committed_world.dev, committed_world)
    start(committed_world.dev, flow)
    asyncio.run(claimed())
    waiting = start(committed_world.dev, flow)
    page = browse(committed_world.dev).get(f"/runs/{waiting.id}/").content.decode()
    assert "It waits for a place: 1 of your organization’s runs is under way." in page
    german = browse(committed_world.dev)
    german.cookies["language"] = "de"
    assert "wartet auf einen Platz: 1 im Gange" in german.get("/runs/").content.decode()


def test_who_runs_an_organization_sets_its_places(committed_world: World) -> None:
    address, wanted = f"/api/v1/organizations/{committed_world.acme.slug}/", {"most_runs": 20}
    answer = client_for(committed_world.admin).patch(address, wanted, format="json")
    assert (answer.status_code, answer.json()["most_runs"]) == (200, 20)
    assert client_for(committed_world.admin).patch(address, {"most_runs": 0}, format="json").status_code == 422
    for who in (committed_world.lead, committed_world.dev, committed_world.viewer):
        assert client_for(who).patch(address, wanted, format="json").status_code == 403
    assert client_for(committed_world.stranger).patch(address, wanted, format="json").status_code == 404


def test_a_flows_settings_page_keeps_its_policy(committed_world: World, flow: Flow) -> None:
    browser = browse(committed_world.dev)
    sent = {"name": "One", "slug": flow.slug, "concurrency": "replace", "concurrency_scope": "flow"}
    assert browser.post(f"/flows/{flow.id}/settings/", sent).status_code == 302
    told = client_for(committed_world.dev).get(f"/api/v1/flows/{flow.id}/").json()
    assert told["concurrency"] == "replace"
    assert "The new run waits for the one before it" in browser.get(f"/flows/{flow.id}/settings/").content.decode()
