# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs that judged drafts and planned, taken up from snapshots, gone on from, and replayed."""

import json

import pytest

from agents.engine import snapshots
from agents.engine.decide import decide
from agents.engine.documents import parse_flow
from agents.engine.journeys import Journey
from agents.engine.view import JournalView
from codexos.kernel.chat import ChatRequest, Judging, Planning, Revising
from codexos.kernel.jsontypes import JsonObject
from tests.agents.engine.scripts import ScriptedModel
from tests.agents.engine.stage import Stage, chain
from tests.agents.engine.test_lanes import echo
from tests.agents.engine.test_snapshots import NOW, taken_up
from tests.agents.engine.test_travel import redrawn
from tests.agents.engine.travelling import Brittle, Traveller, calls, check_replay, journey

PLAN = chain(echo("find", "find {{ input }}"), echo("sum", "sum of {{ find.text }}"))
BOTH = chain(
    {"id": "plan", "type": "planner", "tools": ["Echo"]},
    {"id": "reflect", "type": "reflection", "rubric": "Two stars.", "of": "{{ plan.text }}"},
)


def script(request: ChatRequest) -> str:
    """Writes a bad plan, then a good one; passes drafts of two stars."""
    match request.task:
        case Planning():
            return json.dumps(PLAN) if "# Your last answer" in request.messages[-1].text else "{}"
        case Judging(draft):
            return "PASS" if draft.endswith("**") else "REVISE\nOne more."
        case Revising(draft):
            return f"{draft}*"
        case _:
            raise AssertionError("nobody asks for anything else")


async def ran(*, breaks: str = "") -> Stage:
    was = Stage(BOTH, input="gold", model=ScriptedModel(script), tools=[Brittle(breaks={breaks})])
    assert (await was.run()).status == ("failed" if breaks else "succeeded")
    return was


def going_on(was: Stage, asked: Journey, document: JsonObject | None = None) -> Traveller:
    now = journey(was, asked, document=document)
    now.model = ScriptedModel(script)
    return now


def tasks(on: Stage) -> list[str]:
    return [type(request.task).__name__ for request in on.model.requests]


async def test_a_replay_asks_no_model_and_comes_to_the_same():
    was = await ran()
    asked = len(was.model.requests)
    await check_replay(was)
    assert len(was.model.requests) == asked == 7


async def test_going_on_from_a_snapshot_is_going_on_from_the_journal():
    # given
    was = await ran()
    entries = was.journal.entries
    # then
    for length in range(len(entries)):
        whole = JournalView.of(was.graph, entries[:length], input="gold", read_flow=parse_flow)
        again = taken_up(whole, was.graph)
        assert decide(was.graph, again, NOW) == decide(was.graph, whole, NOW)
        for entry in entries[length:]:
            again.fold(entry)
            whole.fold(entry)
        assert json.dumps(snapshots.dump(again), default=dict, sort_keys=True) == json.dumps(
            snapshots.dump(whole), default=dict, sort_keys=True
        )


async def test_a_retry_keeps_the_plan_and_what_was_done_of_it():
    # given
    was = await ran(breaks="sum of echo of find gold")
    # when
    now = going_on(was, Journey("retry"))
    standing = await now.run()
    # then
    assert standing.data["output"]["text"] == "echo of sum of echo of find gold**"
    assert calls(now) == ["sum of echo of find gold"]
    assert "Planning" not in tasks(now)
    await check_replay(now)


@pytest.mark.parametrize(
    ("start", "called", "asked"),
    [
        ("plan[2]/sum", ["sum of echo of find gold"], ["Judging", "Revising"] * 2 + ["Judging"]),
        ("reflect[1]/judge", [], ["Judging", "Revising", "Judging"]),
        ("reflect", [], ["Judging", "Revising"] * 2 + ["Judging"]),
    ],
)
async def test_a_run_is_done_again_from_inside(start: str, called: list[str], asked: list[str]):
    was = await ran()
    now = going_on(was, Journey("rerun", start=start))
    assert (await now.run()).data["output"] == was.journal.entries[-1].data["output"]
    assert (calls(now), tasks(now)) == (called, asked)
    await check_replay(now)


async def test_of_a_draft_that_left_the_planner_alone_its_plan_is_kept():
    was = await ran()
    now = going_on(was, Journey("draft"), redrawn(BOTH, "reflect", max_rounds=1))
    assert (await now.run()).data["output"]["passed"] is False
    assert (calls(now), tasks(now)) == ([], ["Judging"])


async def test_of_a_draft_that_allows_other_plans_a_plan_is_written_anew():
    was = await ran()
    now = going_on(was, Journey("draft"), redrawn(BOTH, "plan", max_nodes=4))
    assert (await now.run()).status == "succeeded"
    assert tasks(now)[:2] == ["Planning", "Planning"]
    assert calls(now) == ["find gold", "sum of echo of find gold"]
