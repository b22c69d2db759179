# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows inside flows: maps, loops, sub-flows, and the variables that their steps write side by side."""

import asyncio
from typing import Any

import pytest

from agents.engine.documents import check_flow
from agents.engine.gate import Occasion
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate, flow, looped, mapped, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.engine.stage import CountingTool


class Counting(Gate):
    """A gate that knows how many of its calls were under way at a time."""

    most = 0

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.most = max(self.most, len(self.calls) + 1 - len(self.ended))
        return await super().call(arguments, on=on)


def said(text: str, **more: Any) -> dict[str, Any]:
    return tool("say", **{"arguments": {"text": text}, **more})


@keeps("map")
async def test_a_map_gives_its_results_in_the_order_of_the_list_whichever_ends_first(stage: SetStage):
    # given
    gate = Counting()
    drawn = mapped("each", said("{{ item }}", name="Gate"), over=["a", "b", "c", "d", "e"], max_parallel=2)
    run = stage(flow(drawn), tools=[gate])
    _, going = await run.begin()
    # when the second goes before the first, and the third waits for its turn
    await gate.until_called(2)
    assert run.calls == ["a", "b"]
    await gate.let("b")
    await gate.until_called(3)
    await gate.let("c", "d", "e", "a")
    # then
    output = (await going).data["output"]
    assert [each["text"] for each in output] == [f"through {item}" for item in "abcde"]
    assert (gate.most, gate.ended[0]) == (2, "b")
    assert {key for key in run.nodes("step.done") if key.endswith("/say")} == {f"each[{n}]/say" for n in range(5)}


@keeps("map", "release and take over")
async def test_a_map_goes_on_under_its_next_holder_where_it_was(stage: SetStage):
    # given
    gate = Gate()
    run = stage(
        flow(mapped("each", said("{{ item }}", name="Gate"), over=["a", "b", "c"], max_parallel=1)), tools=[gate]
    )
    executor, going = await run.begin()
    await gate.let("a")
    await gate.until_called(2)
    # when
    executor.request_release(is_hurried=True)
    assert (await going).status == "released"
    await gate.let("b", "c")
    # then
    output = (await run.run()).data["output"]
    assert [each["text"] for each in output] == ["through a", "through b", "through c"]
    assert run.calls == ["a", "b", "b", "c"]
    assert len(set(run.keys)) == 3


@keeps("loop")
@pytest.mark.parametrize(
    ("more", "output"),
    [
        ({"until": "{{ last >= 3 }}"}, 3),
        ({"max_rounds": 4}, 4),
        ({"until": "{{ false }}", "max_rounds": 2, "at_limit": "go on"}, 2),
    ],
)
async def test_a_loop_goes_round_as_often_as_it_says(stage: SetStage, more: dict[str, Any], output: int):
    run = stage(flow({**looped("again", said("x")), "body": _adding(), **more}), 0)
    assert (await run.run()).data["output"] == output
    assert run.nodes("step.done").count(f"again[{output - 1}]/end") == 1
    assert len(run.calls) == output


def _adding() -> JsonObject:
    return flow(said("n{{ round }}"), end={"output": "{{ last + 1 }}"})


@keeps("loop")
async def test_a_loop_that_does_not_come_to_its_end_fails_by_name(stage: SetStage):
    run = stage(flow(looped("again", said("x"), until="{{ false }}", max_rounds=2)))
    assert (await run.run()).data["error"]["code"] == "loop_limit_reached"
    assert len(run.calls) == 2


SHOUT = flow(said("{{ input }}"), end={"output": "{{ say.text }}!"})


@keeps("sub-flow")
async def test_a_sub_flow_is_done_inside_the_run_with_events_of_its_own(stage: SetStage):
    # given
    sub = {"id": "sub", "type": "subflow", "flow": "shout", "input": "{{ input }} there", "next": "end"}
    run = stage(flow(sub), "hey", library={"shout": SHOUT})
    # when
    standing = await run.run()
    # then
    assert standing.data["output"] == "echo of hey there!"
    assert run.nodes("step.done") == ["start", "sub[0]/start", "sub[0]/say", "sub[0]/end", "sub", "end"]
    assert run.nodes("step.intended") == ["sub", "sub[0]/say"]


@keeps("sub-flow")
async def test_a_sub_flow_in_a_sub_flow_is_told_by_the_way_there(stage: SetStage):
    outer = {"id": "outer", "type": "subflow", "flow": "twice", "next": "end"}
    twice = flow({"id": "inner", "type": "subflow", "flow": "shout", "next": "end"})
    run = stage(flow(outer), "hey", library={"twice": twice, "shout": SHOUT})
    assert (await run.run()).data["output"] == "echo of hey!"
    assert "outer[0]/inner[0]/say" in run.nodes("step.done")


@keeps("sub-flow")
async def test_a_failure_in_a_sub_flow_says_where_and_may_be_dealt_with_around_it(stage: SetStage):
    sub = {"id": "sub", "type": "subflow", "flow": "wrong", "next": "end"}
    library = {"wrong": flow(said("x", arguments={"text": 7}))}
    failed = (await stage(flow(sub), library=library).run()).data["error"]
    assert (failed["node_id"], failed["message"][:12]) == ("sub", "sub[0]/say: ")
    dealt_with = flow({**sub, "on_error": {"default": "by hand"}})
    assert (await stage(dealt_with, library=library).run()).data["output"] == "by hand"


def writing(reducer: str | None, first: JsonValue) -> JsonObject:
    """Two steps that set one variable side by side, ``a`` before ``b`` where the gate lets them."""
    variable = {"initial": first, **({"reducer": reducer} if reducer else {})}
    branches = [tool(name, name="Gate", set={"found": f"{{{{ {name}.text }}}}"}) for name in "ab"]
    return {**flow(*branches, first=["a", "b"], end={"output": "{{ state.found }}"}), "state": {"found": variable}}


@keeps("reducers")
@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_two_writers_come_together_by_the_reducer_in_the_order_they_ended(stage: SetStage, order: str):
    # given
    gate = Gate()
    run = stage(writing("append", []), tools=[gate])
    _, going = await run.begin()
    await gate.until_called(2)
    # when
    await gate.let(order[0])
    await run.until_told("step.done", order[0])
    await gate.let(order[1])
    # then
    assert (await going).data["output"] == [f"through {name}" for name in order]


@keeps("reducers")
@pytest.mark.parametrize(
    ("reducer", "first", "value", "output"),
    [
        ("add", 0, "{{ item }}", 6),
        ("max", 0, "{{ item }}", 3),
        ("min", 9, "{{ item }}", 1),
        ("extend", [], "{{ [item, item] }}", [1, 1, 2, 2, 3, 3]),
        ("merge", {}, {"n": "{{ item }}"}, {"n": 3}),
    ],
)
async def test_the_items_of_a_map_add_to_what_the_others_found(
    stage: SetStage, reducer: str, first: JsonValue, value: JsonValue, output: JsonValue
):
    drawn = mapped("each", said("x", set={"found": value}), over=[1, 2, 3], max_parallel=1)
    document = {
        **flow(drawn, end={"output": "{{ state.found }}"}),
        "state": {"found": {"initial": first, "reducer": reducer}},
    }
    assert (await stage(document).run()).data["output"] == output


@keeps("reducers")
async def test_what_was_set_outlives_the_worker(stage: SetStage):
    # given
    gate = Gate()
    run = stage(writing("append", ["first"]), tools=[gate])
    executor, going = await run.begin()
    await gate.let("a")
    await gate.until_called(2)
    await run.until_told("step.done", "a")
    executor.request_release(is_hurried=True)
    await asyncio.wait([going])
    await gate.let("b")
    # then
    assert (await run.run()).data["output"] == ["first", "through a", "through b"]


@keeps("reducers")
def test_two_writers_without_a_reducer_are_refused_before_anything_runs():
    told = [problem.message for problem in check_flow(writing(None, [])) if problem.is_error]
    assert len(told) == 1
    assert "two writers and no reducer" in told[0]
    assert check_flow(writing("append", [])) == []


@keeps("reducers")
async def test_a_value_that_does_not_fit_its_variable_fails_the_step_by_name(stage: SetStage):
    document = {
        **flow(said("x", set={"found": "{{ say.text }}"})),
        "state": {"found": {"initial": 0, "reducer": "add"}},
    }
    run = stage(document, tools=[CountingTool()])
    assert (await run.run()).data["error"]["code"] == "variable_misfit"
