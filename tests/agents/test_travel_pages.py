# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A run's page where people go on from it: buttons for who may, what was kept, and where a run comes from."""

from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from accounts.tenancy import tenant
from agents.models import Run
from agents.operations.runs import RunRequest, start_run
from tests.agents.test_flow_pages import browse
from tests.agents.test_runs import working
from tests.factories import Someone, World

CLOSED = {"url": "http://127.0.0.1:1/"}
FLOW: dict[str, Any] = {
    "id": "travel",
    "nodes": [
        {"id": "start", "type": "entry", "next": "write"},
        {"id": "write", "type": "llm", "model": "offline", "prompt": "Write of kakapos.", "next": "ask"},
        {
            "id": "ask",
            "type": "tool",
            "tool": "HTTPRequest",
            "arguments": {"url": "http://127.0.0.1:1/"},
            "next": "end",
        },
        {"id": "end", "type": "exit"},
    ],
}


def ended(world: World, run_id: Any) -> Run:
    """Carry everything that is accepted to its end, and return a run."""
    with working():
        for _ in range(400):
            with tenant(world.acme.id):
                run = Run.objects.for_organization(world.acme.id).get(pk=run_id)
            if run.is_finished:
                break
            Event().wait(0.05)
    assert run.is_finished
    return run


@pytest.fixture
def failed(committed_world: World) -> Run:
    """A run whose second step failed."""
    world = committed_world
    run = start_run(world.dev.actor, request=RunRequest(agent_id="travel", document=FLOW, input="Go"))
    return ended(world, run.id)


def page(who: Someone, run_id: Any, **query: str) -> str:
    return browse(who).get(f"/runs/{run_id}/", query).content.decode()


def test_a_failed_run_is_retried_from_its_page_and_the_new_one_says_where_it_comes_from(
    committed_world: World, failed: Run
) -> None:
    world, client = committed_world, browse(committed_world.dev)
    shown = page(world.dev, failed.id)
    assert "Retry from ask" in shown
    assert "Replay" in shown
    # when
    answer = client.post(f"/runs/{failed.id}/retry/")
    new_id = UUID(answer["Location"].strip("/").rpartition("/")[2])
    again = ended(world, new_id)
    # then
    told = page(world.dev, again.id)
    assert f"/runs/{failed.id}/" in told
    assert ">kept<" in told
    assert "Kept: write done" in told
    assert "1 run goes on from this one" in page(world.dev, failed.id)


def test_another_result_is_written_and_gone_on_with(committed_world: World, failed: Run) -> None:
    world, client = committed_world, browse(committed_world.dev)
    shown = page(world.dev, failed.id, node="ask", tab="output")
    assert "Run again from here" in shown
    assert "Change its result and go on" in shown
    answer = client.post(f"/runs/{failed.id}/fork/", {"node_id": "ask", "result": '{"text": "by hand"}'})
    forked = ended(world, answer["Location"].strip("/").rpartition("/")[2])
    assert forked.status == "succeeded"
    assert "by hand" in page(world.dev, forked.id)


@pytest.mark.parametrize(
    ("deed", "sent", "said"),
    [
        ("replay", {}, "byte for byte"),
        ("rerun", {"node_id": "nowhere"}, "never came to a step"),
        ("fork", {"node_id": "ask", "result": "{not json"}, "as JSON"),
        ("fork", {"node_id": "end", "result": "1"}, "has no result"),
    ],
)
def test_what_came_of_it_is_said_on_the_page(
    committed_world: World, failed: Run, deed: str, sent: dict[str, str], said: str
) -> None:
    client: Client = browse(committed_world.dev)
    answer = client.post(f"/runs/{failed.id}/{deed}/", sent, follow=True)
    assert said in answer.content.decode()


def test_who_only_looks_finds_no_buttons(committed_world: World, failed: Run) -> None:
    shown = page(committed_world.viewer, failed.id, node="write", tab="output")
    assert "Retry from" not in shown
    assert "Run again from here" not in shown
