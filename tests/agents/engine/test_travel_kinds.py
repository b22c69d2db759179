# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Time travel through the kinds that hold lanes and those that wait: plans, reflections, questions."""

from agents.engine.journeys import Journey
from agents.engine.travel import keep
from codexos.kernel.jsontypes import JsonObject
from tests.agents.engine import test_planner, test_reflection
from tests.agents.engine.stage import Stage, chain
from tests.agents.engine.test_lanes import body, echo, mapping
from tests.agents.engine.travelling import Traveller, calls, check_replay, journey, past_of, stage


def going_on(was: Stage, asked: Journey) -> Traveller:
    """A run that goes on from another, asking the same model and tools."""
    now = Traveller(was.document, input=was.input, model=was.model, tools=was.tools)
    now.kept = keep(asked, past_of(was), graph=now.graph, input=was.input)
    return now


async def test_a_plan_is_kept_where_one_of_its_steps_is_done_again():
    # given
    was = test_planner.stage_of(test_planner.planning(model="gpt-4"), test_planner.SOUND)
    first = await was.run()
    asked = len(was.model.requests)  # type: ignore[attr-defined]
    # when
    now = going_on(was, Journey("rerun", start="plan[1]/sum"))
    standing = await now.run()
    # then the plan was not written again
    assert standing.data["output"] == first.data["output"]
    assert len(was.model.requests) == asked + 1  # type: ignore[attr-defined]
    await check_replay(was)
    await check_replay(now)


async def test_a_reflection_is_replayed_and_goes_on_from_a_round():
    was = test_reflection.stage_of(test_reflection.reflecting())
    first = await was.run()
    rounds = [str(entry.node_id) for entry in was.of_type("step.intended") if "[" in str(entry.node_id)]
    now = going_on(was, Journey("rerun", start=rounds[-1]))
    standing = await now.run()
    assert (standing.status, standing.data["output"]) == (first.status, first.data["output"])
    await check_replay(was)
    await check_replay(now)


async def test_a_body_in_a_body_does_again_only_its_own():
    inner = mapping(over=["x", "y"], body=body(echo("say", "{{ item }}")))
    outer = mapping(over=[1, 2], body=body(inner, echo("after", "after {{ index }}")))
    drawn = chain({**outer, "id": "rows"}, echo("last", "last"))
    was = stage(drawn)
    assert (await was.run()).status == "succeeded"
    now = journey(was, Journey("rerun", start="rows[1]/each[0]/say"))
    assert (await now.run()).status == "succeeded"
    assert calls(now) == ["x", "after 1", "last"]
    await check_replay(was)
    await check_replay(now)


async def test_a_question_that_nobody_answered_is_replayed():
    ways: JsonObject = {"approve": "b", "reject": "end", "timeout": "b"}
    drawn: JsonObject = {
        "nodes": [
            {"id": "start", "type": "entry", "next": "may"},
            {"id": "may", "type": "approval", "timeout_seconds": 5, "next": ways},
            echo("b", "b", next="end"),
            {"id": "end", "type": "exit"},
        ]
    }
    was = stage(drawn)
    assert (await was.run()).status == "waiting"
    await was.clock.sleep(6)
    await was.run()
    await check_replay(was)
    now = journey(was, Journey("rerun", start="b"))
    await now.run()
    assert calls(now) == ["b"]
