# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Forms of questions: they ask as their author wrote them, and everything that does not fit is told at its field."""

import asyncio
from typing import Any

import psycopg
import pytest

from agents.models import Flow
from agents.operations.flows import create_flow
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from tests.agents.test_approvals import ask, asking, decide, get
from tests.agents.test_pinning import chain
from tests.agents.test_runs import working
from tests.agents.test_worker import until
from tests.factories import World

WIDE = {
    "type": "object",
    "properties": {
        "zebra": {"type": "integer", "minimum": 1},
        "names": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        "account": {"enum": ["main", "travel"]},
        "b": {"type": "string"},
        "a": {"type": "string"},
    },
    "required": ["account"],
    "additionalProperties": False,
}


async def test_everything_that_is_wrong_with_a_form_is_told_at_its_field(
    committed_world: World, truth: psycopg.Connection
) -> None:
    run_id = await asking(committed_world, truth, chain("wide", ask(form=WIDE)))
    sent = {"zebra": 0, "names": ["", 5], "extra": True}
    answer = await decide(committed_world.dev, run_id, "approve", form=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "form_invalid")
    assert [(each["place"], each["message"]) for each in answer.json()["errors"]] == [
        ("form.zebra", "must be at least 1"),
        ("form.names[0]", "must not be empty"),
        ("form.names[1]", "must be text, not a whole number"),
        ("form.account", "is missing"),
        ("form.extra", "is not asked for"),
    ]
    assert answer.json()["detail"].startswith(
        "The form does not fit what step 'ask' asks for: 'zebra' must be at least 1; "
    )


@pytest.mark.parametrize("is_inside", [False, True], ids=["itself", "as a sub-flow"])
async def test_a_form_asks_in_the_order_of_its_author(
    committed_world: World, truth: psycopg.Connection, is_inside: bool
) -> None:
    # given
    flow = await asyncio.to_thread(published, committed_world, chain("wide", ask(form=WIDE)))
    if is_inside:
        outer = chain("outer", {"id": "inner", "type": "subflow", "flow": "wide"})
        flow = await asyncio.to_thread(published, committed_world, outer)
    # when
    request = RunRequest(agent_id=str(flow.id), input="go")
    await asyncio.to_thread(start_run, committed_world.dev.actor, request=request)
    with working("asks"):
        await until(lambda: truth.execute("select status from agents_run").fetchone() == ("waiting",))
    # then
    (listed,) = (await get(committed_world.dev, "/api/v1/approvals/")).json()["results"]
    assert list(listed["form"]["properties"]) == list(WIDE["properties"])
    document = (await get(committed_world.dev, f"/api/v1/flows/{flow.id}/versions/1/")).json()["document"]
    kept = list(document["nodes"][1])
    assert kept == ["id", "type", "flow", "next"] if is_inside else ["id", "type", "title", "form", "next"]


def published(world: World, document: Any) -> Flow:
    flow = create_flow(world.dev.actor, project=world.project, document=document)
    publish_flow(world.dev.actor, flow=flow.id)
    return flow


async def test_the_list_says_who_asks_where_and_what_about(committed_world: World, truth: psycopg.Connection) -> None:
    about = {"amount": 3, "to": "Kim  Lee", "lines": ["x"] * 400}
    await asking(committed_world, truth, chain("shown", ask(show=about, timeout_seconds=3600)))
    (listed,) = (await get(committed_world.dev, "/api/v1/approvals/")).json()["results"]
    assert (listed["asked_by"], listed["project"]) == (str(committed_world.dev.person), committed_world.project.slug)
    assert listed["summary"].startswith("amount: 3, to: Kim Lee, lines: [")
    assert len(listed["summary"]) == 160
    assert listed["until"] > listed["since"]
