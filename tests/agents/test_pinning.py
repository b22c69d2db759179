# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows that do flows: what is pinned when a run is accepted, what is refused, what publishing asks for."""

import asyncio
from typing import Any

import psycopg
import pytest

from accounts.operations.organizations import change_organization
from accounts.tenancy import tenant
from agents.engine.drafts import draft_of
from agents.engine.errors import GraphInvalid
from agents.errors import ModelsMissing
from agents.models import Flow, Run
from agents.operations import pinning
from agents.operations.flows import FlowEdit, archive_flow, change_flow, create_flow
from agents.operations.pinning import check_draft
from agents.operations.runs import RunRequest, start_run
from agents.operations.versions import publish_flow
from codexos.kernel.jsontypes import JsonObject
from tests.agents.test_runs import run_agent, working
from tests.factories import Someone, World


def chain(name: str, *between: dict[str, Any], output: str | None = None) -> dict[str, Any]:
    """A flow of one line."""
    ids = ["start", *(node["id"] for node in between), "end"]
    drawn = [{"id": "start", "type": "entry"}, *between, {"id": "end", "type": "exit"}]
    nodes: list[dict[str, Any]] = [
        {**node, **({"next": after} if after else {})} for node, after in zip(drawn, [*ids[1:], None], strict=True)
    ]
    if output is not None:
        nodes[-1]["output"] = output
    return {"id": name, "nodes": nodes}


def sub(flow: str, **settings: Any) -> dict[str, Any]:
    return {"id": f"do-{flow}", "type": "subflow", "flow": flow, **settings}


def keep(who: Someone, world: World, document: JsonObject, *, publish: bool = True) -> Flow:
    flow = create_flow(who.actor, project=world.project, document=document)
    if publish:
        publish_flow(who.actor, flow=flow.pk)
    return flow


def start(who: Someone, document: JsonObject | None, name: str = "a") -> Run:
    return start_run(who.actor, request=RunRequest(agent_id=name, document=document, input="go"))


@pytest.mark.django_db
def test_a_run_keeps_the_versions_that_were_published_when_it_was_accepted(world: World) -> None:
    # given a flow that does another, which does a third inside a body
    inner = keep(world.dev, world, chain("inner", output="one"))
    each = {"id": "each", "type": "map", "over": "[1]", "body": chain("b", sub("inner"))}
    keep(world.dev, world, chain("middle", each))
    # when
    run = start(world.dev, chain("top", sub("middle"), sub("inner", id="old", version=1)))
    change_flow(world.dev.actor, inner.pk, edit=FlowEdit(draft=draft_of(chain("inner", output="two"))))
    publish_flow(world.dev.actor, flow=inner.pk)
    later = start(world.dev, chain("top", sub("middle")))
    # then
    assert {name: pinned["version"] for name, pinned in run.library.items()} == {
        "middle": 1,
        "inner": 1,
        "inner@1": 1,
    }
    assert run.library["inner"]["flow_id"] == str(inner.pk)
    assert run.library["inner"]["document"]["nodes"][-1]["output"] == "one"
    assert later.library["inner"]["version"] == 2


@pytest.mark.django_db
def test_what_cannot_be_done_is_refused_with_its_place(world: World) -> None:
    # given
    keep(world.dev, world, chain("draft"), publish=False)
    archive_flow(world.dev.actor, keep(world.dev, world, chain("away")).pk)
    keep(world.dev, world, chain("there"))
    body = {"id": "each", "type": "map", "over": "[1]", "body": chain("b", sub("nowhere"))}
    # when
    with pytest.raises(GraphInvalid) as refused:
        start(world.dev, chain("top", sub("draft"), sub("away"), sub("there", version=7), body))
    # then
    assert [(problem.place, problem.message.split(".")[0]) for problem in refused.value.problems] == [
        ("$.nodes[1].flow", "Flow 'draft' has no published version"),
        ("$.nodes[2].flow", "Flow 'away' is archived"),
        ("$.nodes[3].flow", "Flow 'there' has no version '7'"),
        ("$.nodes[4].body.nodes[1].flow", "No flow 'nowhere'"),
    ]
    with tenant(world.acme.id):
        assert not Run.objects.for_organization(world.acme.id).exists()


@pytest.mark.django_db
def test_a_flow_of_another_organization_is_no_flow(world: World) -> None:
    flow = create_flow(world.stranger.actor, project=world.other_project, document=chain("theirs"))
    publish_flow(world.stranger.actor, flow=flow.pk)
    for named in ("theirs", str(flow.pk)):
        with pytest.raises(GraphInvalid, match="No flow"):
            start(world.dev, chain("top", sub(named)))


@pytest.mark.django_db
def test_circles_are_refused_where_a_flow_is_published(world: World) -> None:
    # given
    first = keep(world.dev, world, chain("first"))
    keep(world.dev, world, chain("second", sub("first")))
    change_flow(world.dev.actor, first.pk, edit=FlowEdit(draft=draft_of(chain("first", sub("second")))))
    # then what would do itself is not published
    with pytest.raises(GraphInvalid, match="Flows do each other in a circle: 'second' → 'first'"):
        publish_flow(world.dev.actor, flow=first.pk)
    # but what does an earlier version of itself may be
    pinned = chain("first", sub("first", version=1))
    change_flow(world.dev.actor, first.pk, edit=FlowEdit(draft=draft_of(pinned)))
    publish_flow(world.dev.actor, flow=first.pk)
    assert set(start(world.dev, None, "second").library) == {"first", "first@1"}


@pytest.mark.django_db
def test_flows_do_each_other_only_so_deep(world: World) -> None:
    keep(world.dev, world, chain("deep-0"))
    for depth in range(1, 8):
        keep(world.dev, world, chain(f"deep-{depth}", sub(f"deep-{depth - 1}")))
    assert len(start(world.dev, chain("top", sub("deep-7"))).library) == 8
    keep(world.dev, world, chain("deep-8", sub("deep-7")))
    with pytest.raises(GraphInvalid, match="more than 8 deep"):
        start(world.dev, chain("top", sub("deep-8")))


@pytest.mark.django_db
def test_flows_that_double_at_every_turn_are_refused_before_they_are_built(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pinning, "MOST_NODES", 50)
    keep(world.dev, world, chain("twice-0"))
    for depth in range(1, 4):
        twice = [sub(f"twice-{depth - 1}", id=f"n{number}") for number in range(3)]
        keep(world.dev, world, chain(f"twice-{depth}", *twice), publish=depth < 3)
    with pytest.raises(GraphInvalid, match="With the flows it does it has"):
        start(world.dev, chain("top", *[sub("twice-2", id=f"n{number}") for number in range(3)]))


@pytest.mark.django_db
def test_a_draft_is_warned_and_publishing_refuses(world: World) -> None:
    # given
    flow = keep(world.dev, world, chain("top", sub("missing")), publish=False)
    # when
    told = check_draft(world.dev.actor, flow.source, project=world.project, flow=flow)
    # then
    assert [(problem.severity, problem.place, problem.line is not None) for problem in told] == [
        ("warning", "$.nodes[1].flow", True)
    ]
    with pytest.raises(GraphInvalid, match="No flow 'missing'"):
        publish_flow(world.dev.actor, flow=flow.pk)


@pytest.mark.django_db
def test_models_in_bodies_and_sub_flows_are_asked_for_too(world: World) -> None:
    # given an organization that takes no substitutes
    ask = {"id": "ask", "type": "llm", "model": "gpt-4"}
    keep(world.dev, world, chain("asks", ask))
    change_organization(world.admin.actor, allows_substitute_models=False)
    body = {"id": "each", "type": "map", "over": "[1]", "body": chain("b", ask)}
    # then
    for document, key in ((chain("top", sub("asks")), "do-asks/ask"), (chain("top", body), "each/ask")):
        with pytest.raises(ModelsMissing, match=f"Step '{key}' cannot run"):
            start(world.dev, document)


async def test_a_flow_that_does_flows_runs_to_its_end(committed_world: World, truth: psycopg.Connection) -> None:

    world = committed_world
    await asyncio.to_thread(keep, world.dev, world, chain("shout", output="{{ input }}!"))
    await asyncio.to_thread(keep, world.dev, world, chain("top", sub("shout"), sub("shout", id="again")))
    with working():
        answer = await run_agent(world.dev, {"agent_id": "top", "input": "go"})
    run = answer.json()
    assert (run["status"], run["result"]["output"]) == ("succeeded", "go!!"), run


def given(*tools: str) -> dict[str, Any]:
    return {"id": "ask", "type": "llm", "model": "offline", "prompt": "Go.", "tools": list(tools)}


@pytest.mark.django_db
def test_flows_that_are_tools_are_pinned_like_those_that_are_done(world: World) -> None:
    # given
    inner = keep(world.dev, world, chain("inner", output="one"))
    call = {"id": "call", "type": "tool", "tool": "flow.inner"}
    # when
    run = start(world.dev, chain("top", given("flow.inner", "flow.inner@1", "WebSearch"), call))
    change_flow(world.dev.actor, inner.pk, edit=FlowEdit(draft=draft_of(chain("inner", output="two"))))
    publish_flow(world.dev.actor, flow=inner.pk)
    later = start(world.dev, chain("top", given("flow.inner", "flow.inner@1")))
    # then
    assert {name: pinned["version"] for name, pinned in run.library.items()} == {"inner": 1, "inner@1": 1}
    assert {name: pinned["version"] for name, pinned in later.library.items()} == {"inner": 2, "inner@1": 1}


@pytest.mark.django_db
def test_flows_that_are_no_tools_are_refused_with_their_place(world: World) -> None:
    # given one that calls itself through another, one that is a draft, one of strangers, and one that is not
    first = keep(world.dev, world, chain("first"))
    keep(world.dev, world, chain("second", given("flow.first")))
    keep(world.dev, world, chain("draft"), publish=False)
    keep_theirs = create_flow(world.stranger.actor, project=world.other_project, document=chain("theirs"))
    publish_flow(world.stranger.actor, flow=keep_theirs.pk)
    change_flow(world.dev.actor, first.pk, edit=FlowEdit(draft=draft_of(chain("first", given("flow.second")))))
    # then
    with pytest.raises(GraphInvalid, match="Flows do each other in a circle: 'second' → 'first'"):
        publish_flow(world.dev.actor, flow=first.pk)
    with pytest.raises(GraphInvalid) as refused:
        start(world.dev, chain("top", given("flow.draft", "flow.theirs", "flow.nowhere")))
    assert [problem.place for problem in refused.value.problems] == [f"$.nodes[1].tools[{n}]" for n in range(3)]


async def test_an_agent_asks_a_sub_agent_with_tools_of_its_own(committed_world: World) -> None:
    # given a flow that is an agent itself, with its own prompt and tools
    world = committed_world
    schema = {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]}
    inner = chain("librarian", {**given("WebSearch"), "prompt": "{{ input.question }}"}, output="{{ ask.text }}")
    inner["nodes"][0]["schema"] = schema
    inner["description"] = "Answers a question about the harbor from the files."
    await asyncio.to_thread(keep, world.dev, world, inner)
    outer = {**given("flow.librarian"), "prompt": "Ask the librarian: what is the harbor like?"}
    # when
    with working():
        answered = await run_agent(
            world.dev,
            {"agent_id": "a", "flow": chain("top", outer), "input": "go", "project_id": str(world.project.id)},
        )
    # then
    found = answered.json()
    assert found["status"] == "succeeded", found
    keys = [line["node_id"] or "" for line in found["logs"]]
    assert "ask[1]/flow.librarian" in keys
    assert any(key.startswith("ask[1]/flow.librarian[0]/ask[0]/think") for key in keys), keys
