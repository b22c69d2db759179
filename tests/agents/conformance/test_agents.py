# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model with tools, round by round: what was done is never done again, whoever dies when."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from agents.engine.gate import Decision, ProposedCall
from agents.engine.journeys import Journey
from codexos.kernel.chat import ChatRequest
from codexos.kernel.jsontypes import JsonObject
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate as Closed
from tests.agents.conformance.flows import Shaky, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.conformance.test_crashes import carried, check_history
from tests.agents.engine.scripts import CallingModel, Said, round_of, told
from tests.agents.engine.stage import CountingTool

ROUNDS = 3
RESEARCH: JsonObject = {
    **flow(tool("look", name="Echo", arguments={"text": "{{ input }}"}), end={"output": "found {{ look.text }}"}),
    "name": "Research",
    "description": "Looks things up.",
}
TAKES: JsonObject = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
END: JsonObject = {"id": "end", "type": "exit"}
LIBRARY: Mapping[str, JsonObject] = {"research": RESEARCH}


def script(request: ChatRequest) -> Said:
    """Calls two tools and a flow at a time for three rounds, then says what it was told last."""
    done = round_of(request)
    if not request.tools:
        return f"answer to {request.messages[-1].text}", []
    if done == ROUNDS:
        return " | ".join(told(request)[-2:]), []
    return "", [("Echo", {"text": f"a{done}"}), (request.tools[-1].name, next(iter(_given(request, done))))]


def _given(request: ChatRequest, done: int) -> list[JsonObject]:
    return [{"input": f"b{done}"} if request.tools[-1].name.startswith("flow") else {"text": f"b{done}"}]


def agent(*tools: str, **more: Any) -> JsonObject:
    return flow(
        {"id": "ask", "type": "llm", "prompt": "Go.", "tools": list(tools), "next": "after", **more}, llm("after")
    )


@keeps("agent")
async def test_a_model_calls_tools_until_it_answers(stage: SetStage):
    run = stage(agent("Echo", "Look"), tools=[CountingTool(), CountingTool("Look")], model=CallingModel(script))
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert run.nodes("step.intended").count("ask[3]/think") == 1


@keeps("agent", "flow as a tool", "crash at every write")
@pytest.mark.parametrize("named", ["Look", "flow.research"])
async def test_a_crash_in_any_round_repeats_nothing_that_was_done(stage: SetStage, named: str):
    # given
    def made() -> Stage:
        tools = [CountingTool(), CountingTool("Look")]
        return stage(agent("Echo", named), tools=tools, model=CallingModel(script), library=LIBRARY)

    calm = made()
    expected = await carried(calm)
    assert expected.status == "succeeded"
    questions, calls = len(calm.model.requests), len(calm.calls)
    killed = 0
    for dies_at in range(1, calm.fate.appends + 1):
        for keeps_the_last in (False, True):
            run = made()
            run.fate.dies_at, run.fate.keeps_the_last = dies_at, keeps_the_last
            # when
            standing = await carried(run)
            # then
            killed += run.fate.dies_at is None
            assert (standing.status, standing.data["output"]) == (expected.status, expected.data["output"])
            check_history(run)
            assert len(run.model.requests) <= questions + 1
            # what was under way is made again under its own key; what was done is not
            assert len(run.calls) <= calls + 2
            assert len(set(run.keys)) == calls
    # calls that end in the same moment are written down together, so now and then there is a write less
    assert killed >= 2 * (calm.fate.appends - 2)


@keeps("agent", "may have happened")
async def test_a_call_that_may_have_happened_is_for_a_person_to_decide(stage: SetStage):
    # given a call that may not be made twice, cut off in its middle
    def orders(request: ChatRequest) -> Said:
        return (told(request)[0], []) if round_of(request) else ("", [("Post", {"text": "order"})])

    post = CountingTool("Post", reads_only=False, kills=True)
    run = stage(agent("Post"), tools=[post], model=CallingModel(orders))
    with pytest.raises(asyncio.CancelledError):
        await run.run()
    # when
    assert (await run.run()).status == "waiting"
    await run.send("decide", node_id="ask[1]/Post", decision="done", result={"text": "placed"})
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert run.calls == ["order"]


@keeps("flow as a tool")
async def test_a_flow_is_called_as_a_tool_with_steps_of_its_own(stage: SetStage):
    run = stage(agent("Echo", "flow.research"), model=CallingModel(script), library=LIBRARY)
    assert (await run.run()).status == "succeeded"
    assert isinstance(run.model, CallingModel)
    offered = run.model.requests[0].tools[-1]
    assert (offered.name, offered.description) == ("flow__research", "Looks things up.")
    assert offered.schema["required"] == ["input"]
    assert "ask[1]/flow.research[0]/look" in run.nodes("step.intended")
    assert "found echo of b2" in told(run.model.requests[3])[-1]


@keeps("flow as a tool")
async def test_a_node_calls_a_flow_as_it_calls_a_tool(stage: SetStage):
    document = flow({"id": "t", "type": "tool", "tool": "flow.research", "arguments": {"input": "x"}, "next": "end"})
    run = stage(document, library=LIBRARY)
    assert (await run.run()).data["output"] == "found echo of x"
    run = stage(
        flow({"id": "t", "type": "tool", "tool": "flow.research", "arguments": {"q": "x"}, "next": "end"}),
        library=LIBRARY,
    )
    assert (await run.run()).data["error"]["code"] == "tool_call_invalid"


@keeps("agent", "re-run from any step", "replay from recorded results")
async def test_an_agent_goes_on_from_any_of_its_rounds(stage: SetStage):
    tools = [CountingTool(), CountingTool("Look")]
    was = stage(agent("Echo", "flow.research"), tools=tools, model=CallingModel(script), library=LIBRARY)
    expected = await was.run()
    assert (await was.replay()).is_identical
    now = await was.go_on(Journey("rerun", start="ask[2]/think"))
    now.model = CallingModel(script)
    standing = await now.run()
    assert standing.data["output"] == expected.data["output"]
    assert now.calls == ["a2", "b2"]


class AsksAbout:
    """A gate that asks about one tool, and denies another."""

    def __init__(self, asked: str = "", denied: str = "") -> None:
        self._asked, self._denied = asked, denied
        self.seen: list[ProposedCall] = []

    def decide(self, call: ProposedCall) -> Decision:
        self.seen.append(call)
        if call.tool == self._denied:
            return Decision("deny", ["Nobody may look."], "p1")
        return (
            Decision("ask", ["It is asked about."], "p1") if call.tool == self._asked else Decision("allow", (), "p1")
        )


@keeps("agent")
async def test_a_call_that_the_policy_denies_is_told_to_the_model(stage: SetStage):
    run = stage(
        agent("Echo", "Look"),
        tools=[CountingTool(), CountingTool("Look")],
        model=CallingModel(script),
        gate=AsksAbout(denied="Look"),
    )
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["a0", "a1", "a2"]
    assert isinstance(run.model, CallingModel)
    assert "the policy denies it. Nobody may look." in told(run.model.requests[1])[1]


@keeps("agent", "approval")
@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_person_decides_about_a_call_in_the_middle_of_a_round(stage: SetStage, decision: str):
    # given a model that has read what strangers wrote
    def orders(request: ChatRequest) -> Said:
        done = round_of(request)
        asked = [[("Echo", {"text": "page"})], [("Post", {"text": "order"})], []][done]
        return ("" if asked else told(request)[-1]), asked

    gate = AsksAbout("Post")
    post = CountingTool("Post", reads_only=False)
    run = stage(agent("Echo", "Post"), tools=[CountingTool(), post], model=CallingModel(orders), gate=gate)
    # when
    assert (await run.run()).status == "waiting"
    assert run.calls == ["page"]
    proposed = next(call for call in gate.seen if call.tool == "Post")
    assert (proposed.chosen_by, proposed.labels) == ("model", {"tool:Echo"})
    await run.send("decide", node_id="ask[2]/Post", decision=decision, note="Not today.")
    # then nothing is done again
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["page", *(["order"] if decision == "approve" else [])]
    assert isinstance(run.model, CallingModel)
    assert len([request for request in run.model.requests if request.tools]) == 3
    assert ("Not today." in told(run.model.requests[2])[-1]) is (decision == "reject")


@keeps("agent")
async def test_what_an_agent_gives_is_labeled_by_all_its_model_was_shown(stage: SetStage):
    run = stage(
        agent("Echo"), model=CallingModel(lambda r: ("x", []) if round_of(r) else ("", [("Echo", {"text": "a"})]))
    )
    await run.run()
    [done] = [entry for entry in run.of_type("step.done") if entry.node_id == "ask"]
    assert done.data["labels"] == ["tool:Echo"]
    first = next(entry for entry in run.of_type("step.done") if entry.node_id == "ask[0]/think")
    assert "labels" not in first.data


@keeps("flow as a tool")
@pytest.mark.parametrize(
    ("flow_in_it", "words"),
    [
        (flow(tool("look", name="Broken")), "The shop is closed for good."),
        ({**RESEARCH, "limits": {"steps": 1}}, "of 1 it may do by its own limits"),
        ({**flow(llm("look")), "limits": {"tokens": 3}}, "of 3 it may spend by its own limits"),
        ({**flow(llm("look")), "limits": {"cost_usd": 0.0001}}, "of $0.0001 it may cost by its own limits"),
        ({**flow(tool("look", name="Gate")), "limits": {"seconds": 5}}, "took longer than 5 seconds"),
        (
            {**flow(tool("look")), "nodes": [{"id": "start", "type": "entry", "next": "end", "schema": TAKES}, END]},
            "do not fit",
        ),
    ],
    ids=["fails", "steps", "tokens", "cost", "time", "misfit"],
)
async def test_what_goes_wrong_in_a_flow_is_told_to_who_called_it(stage: SetStage, flow_in_it: JsonObject, words: str):
    def calls_once(request: ChatRequest) -> Said:
        if not request.tools:
            return "inner", []
        return (told(request)[0], []) if round_of(request) else ("", [("flow__research", {"input": "x"})])

    tools = [CountingTool(), Shaky("Broken", is_broken=True), Closed()]
    document = flow({"id": "ask", "type": "llm", "prompt": "Go.", "tools": ["flow.research"], "next": "end"})
    run = stage(document, tools=tools, model=CallingModel(calls_once), library={"research": flow_in_it})
    standing = await run.run()
    assert standing.status == "succeeded"
    assert words in str(standing.data["output"])
