# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Chains, branches, joins, choices, and what a run starts from."""

from typing import Any

import pytest

from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate, choice, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.engine.stage import BLUEPRINT, CountingTool


@keeps("chain")
async def test_a_chain_hands_each_result_on_and_ends_with_the_last(stage: SetStage):
    # given
    run = stage(BLUEPRINT, "What is a kakapo?", tools=[CountingTool("WebSearch")])
    # when
    standing = await run.run()
    # then
    asked = "[gpt-4] # Input\n\nWhat is a kakapo?"
    assert standing.status == "succeeded"
    assert run.calls == [asked]
    assert standing.data["output"].endswith(f"# Result of tool_selector\n\necho of {asked}")
    assert run.nodes("step.done") == ["start", "planner", "tool_selector", "summarizer", "end"]
    assert run.nodes("step.intended") == ["planner", "tool_selector", "summarizer"]
    assert [entry.seq for entry in run.entries] == list(range(1, 12))
    # Done and the next intended share a commit.
    assert run.fate.appends == 4


@keeps("parallel")
async def test_branches_are_done_side_by_side(stage: SetStage):
    # given
    gate = Gate()
    run = stage(flow(tool("a", name="Gate"), tool("b", name="Gate"), first=["a", "b"]), tools=[gate])
    _, going = await run.begin()
    # when both are under way before either may end
    await gate.until_called(2)
    await gate.let("a", "b")
    # then
    assert (await going).data["output"] == {"a": {"text": "through a"}, "b": {"text": "through b"}}
    assert run.types()[2:6] == ["step.done", "step.intended", "step.intended", "step.done"]


@keeps("parallel")
async def test_a_slow_branch_holds_up_only_what_needs_it(stage: SetStage):
    # given
    gate = Gate()
    slow, quick, after = tool("slow", name="Gate"), tool("quick", "after", name="Gate"), tool("after", name="Gate")
    run = stage(flow(slow, quick, after, first=["slow", "quick"]), tools=[gate])
    _, going = await run.begin()
    # when
    await gate.let("quick", "after")
    await gate.until_called(3)
    # then
    assert run.calls == ["slow", "quick", "after"]
    await gate.let("slow")
    assert (await going).status == "succeeded"


@keeps("join all")
async def test_a_join_waits_for_all_that_still_can_come(stage: SetStage):
    # given: of three ways into the end one is left out, which nobody waits for
    gate = Gate()
    pick = choice("pick", expression="'left'", next={"left": "a", "right": "c"})
    nodes = [pick, tool("a", name="Gate"), tool("b", name="Gate"), tool("c", name="Gate")]
    run = stage(flow(*nodes, first=["pick", "b"]), tools=[gate])
    _, going = await run.begin()
    # when
    await gate.until_called(2)
    await gate.let("b")
    await run.until_told("step.done", "b")
    assert "end" not in run.nodes("step.done")
    assert not going.done()
    await gate.let("a")
    # then
    assert set((await going).data["output"]) == {"a", "b"}
    assert run.nodes("step.skipped") == ["c"]


@keeps("join any")
async def test_any_goes_on_with_the_first_and_cuts_off_what_is_not_needed(stage: SetStage):
    # given
    gate = Gate()
    ways = [tool("a", name="Gate"), tool("b", name="Gate")]
    run = stage(flow(*ways, first=["a", "b"], end={"join": "any"}), tools=[gate])
    _, going = await run.begin()
    await gate.until_called(2)
    # when
    await gate.let("b")
    standing = await going
    # then
    assert standing.data["output"] == {"text": "through b"}
    (cut,) = run.of_type("step.skipped")
    assert (cut.node_id, cut.data["reason"]) == ("a", "not_needed")
    assert gate.ended == ["b"]


@keeps("join n-of")
async def test_a_number_of_branches_is_enough(stage: SetStage):
    # given
    gate = Gate()
    branches = [tool(name, "both", name="Gate") for name in "abc"]
    both = tool("both", name="Gate", join=2)
    run = stage(flow(*branches, both, first=["a", "b", "c"]), tools=[gate])
    _, going = await run.begin()
    # when
    await gate.let("c", "a", "both")
    # then
    assert (await going).status == "succeeded"
    assert run.calls == ["a", "b", "c", "both"]
    assert "b" not in gate.ended


@keeps("condition: if, else-if, else")
@pytest.mark.parametrize(("number", "taken"), [(12, "large"), (7, "middling"), (1, "small")])
async def test_the_first_case_that_holds_is_taken_else_the_else(stage: SetStage, number: int, taken: str):
    # given: at 12 both cases would hold
    cases = [{"when": "input.n > 10", "next": "large"}, {"when": "{{ input.n > 5 }}", "next": "middling"}]
    pick = choice("pick", cases=cases, **{"else": "small"})
    run = stage(flow(pick, tool("large"), tool("middling"), tool("small")), {"n": number})
    # when
    standing = await run.run()
    # then
    assert standing.data["output"]["text"] == f"echo of {taken}"
    assert run.calls == [taken]
    assert sorted(run.nodes("step.skipped")) == sorted({"large", "middling", "small"} - {taken})


@keeps("condition: switch")
@pytest.mark.parametrize(("value", "taken"), [("red", ["a"]), (True, ["b"]), (3, ["a", "b"]), ("blue", ["c"])])
async def test_the_value_of_an_expression_chooses_the_way(stage: SetStage, value: Any, taken: list[str]):
    ways = {"red": "a", "true": "b", "3": ["a", "b"], "else": "c"}
    run = stage(flow(choice("pick", expression="input.v", next=ways), tool("a"), tool("b"), tool("c")), {"v": value})
    assert (await run.run()).status == "succeeded"
    assert run.calls == taken


@keeps("condition: no branch")
async def test_a_value_that_no_way_stands_for_fails_by_name(stage: SetStage):
    run = stage(flow(choice("pick", expression="input", next={"red": "a"}), tool("a")), "green")
    standing = await run.run()
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "no_branch")
    assert "'green'" in standing.data["error"]["message"]
    assert run.calls == []


@keeps("ways with when")
async def test_every_way_that_holds_is_taken_and_else_where_none_does(stage: SetStage):
    # given
    ways = [
        {"when": "a.text == 'echo of a'", "next": "yes"},
        {"when": "input.more", "next": "more"},
        {"when": "else", "next": "rest"},
        "always",
    ]
    nodes = [tool("a", ways), *(tool(name) for name in ("yes", "more", "rest", "always"))]
    both, one = stage(flow(*nodes), {"more": True}), stage(flow(*nodes), {"more": False})
    # when
    await both.run()
    await one.run()
    # then
    assert sorted(both.calls) == ["a", "always", "more", "yes"]
    assert sorted(one.calls) == ["a", "always", "yes"]
    assert sorted(one.nodes("step.skipped")) == ["more", "rest"]


@keeps("ways with when")
async def test_where_no_way_holds_the_step_fails_by_name(stage: SetStage):
    run = stage(flow(tool("a", [{"when": "false", "next": "end"}])))
    assert (await run.run()).data["error"]["code"] == "no_way_out"
    assert run.calls == ["a"]


ASKS = {
    "type": "object",
    "required": ["question"],
    "properties": {
        "question": {"type": "string", "default": "What now?"},
        "how": {"type": "object", "properties": {"many": {"type": "integer", "default": 3}}},
    },
}


@keeps("default value on missing input")
async def test_what_is_missing_of_the_input_has_its_default(stage: SetStage):
    # given
    document = flow(
        llm("a", prompt="{{ input.question }}"),
        entry={"schema": ASKS},
        end={"output": {"q": "{{ input.question }}", "n": "{{ start.how.many }}"}},
    )
    bare, full = stage(document, {"how": {}}), stage(document, {"question": "Why?", "how": {"many": 1}})
    # when
    standings = [await bare.run(), await full.run()]
    # then
    assert [standing.data["output"] for standing in standings] == [{"q": "What now?", "n": 3}, {"q": "Why?", "n": 1}]
    assert [run.model.requests[0].messages[-1].text for run in (bare, full)] == ["What now?", "Why?"]


@keeps("default value on missing input")
async def test_what_is_missing_and_has_no_default_fails_by_name(stage: SetStage):
    schema = {"type": "object", "required": ["question"]}
    run = stage(flow(tool("a"), entry={"schema": schema}), {})
    assert (await run.run()).data["error"]["code"] == "run_input_invalid"
    assert run.calls == []
