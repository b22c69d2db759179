# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A model writes the next steps as a flow: it is checked, given back where it does not hold, and done."""

import json
from typing import Any

import pytest

from agents.engine.documents import check_flow, parse_flow
from agents.engine.view import JournalView
from codexos.kernel.chat import ChatRequest
from codexos.kernel.jsontypes import JsonObject, JsonValue
from llm.adapters.offline import OfflineModel
from tests.agents.engine.scripts import ScriptedModel, asked_of
from tests.agents.engine.stage import CountingTool, Stage, WorkerKilled, chain

START: JsonObject = {"id": "start", "type": "entry", "next": "end"}
END: JsonObject = {"id": "end", "type": "exit"}


def planning(**more: JsonValue) -> JsonObject:
    return chain({"id": "plan", "type": "planner", "tools": ["Echo"], **more})


def echo(**more: JsonValue) -> JsonObject:
    return {"id": "say", "type": "tool", "tool": "Echo", "arguments": {"text": "{{ input }}"}, **more}


SOUND = chain(echo(), {"id": "sum", "type": "llm", "prompt": "Sum up {{ say.text }}"})


def stage_of(document: JsonObject, *answers: JsonValue, **more: Any) -> Stage:
    """A stage whose model gives the n-th plan at the n-th attempt, as the question tells, and else just talks."""

    def script(request: ChatRequest) -> str:
        if asked_of(request) != "Planning":
            return f"[{request.model}] {request.messages[-1].text}"
        answer = answers[request.messages[-1].text.count("# Your last answer")]
        return answer if isinstance(answer, str) else json.dumps(answer)

    given = {"input": "Greet Ada", "tools": [CountingTool("Echo")], **more}
    return Stage(document, model=ScriptedModel(script), **given)


async def test_a_plan_is_written_checked_and_done():
    # given
    stage = stage_of(planning(model="gpt-4"), SOUND)
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"] == "[gpt-4] Sum up echo of Greet Ada"
    done = {str(entry.node_id): entry.data for entry in stage.of_type("step.done")}
    assert [key for key in done if "[" in key and not key.endswith(("start", "end"))] == [
        "plan[0]/write",
        "plan[1]/say",
        "plan[1]/sum",
    ]
    # The plan stands in the journal, and is read back from there.
    assert done["plan[1]/start"]["flow"]["nodes"][1]["tool"] == "Echo"
    assert done["plan"] == {"collected": "last", "labels": ["tool:Echo"]}
    view = JournalView.of(stage.graph, stage.journal.entries, read_flow=parse_flow, keeps_lanes=True)
    assert view.lanes["plan[1]"].graph.nodes["sum"].settings["model"] == "gpt-4"


@pytest.mark.parametrize(
    "wrapped", ["```json\n{}\n```", "Here is my plan:\n\n```json\n{}\n```\nI hope it helps.", " {} "]
)
async def test_a_plan_may_stand_in_a_fence_or_in_prose(wrapped: str):
    answer = wrapped.replace("{}", json.dumps(SOUND, indent=2))
    assert (await stage_of(planning(), answer).run()).status == "succeeded"


async def test_the_model_is_told_what_it_may_use():
    # given
    stage = stage_of(planning(goal="Say hello to {{ input }}", kinds=["tool", "map"], max_nodes=7), chain(echo()))
    # when
    await stage.run()
    # then
    asked = stage.model.requests[0]
    system, said = (message.text for message in asked.messages)
    assert "Say hello to Greet Ada" in said
    assert '- Echo: Echoes. Arguments: {"type": "object"' in system
    assert '"map" does a body' in system
    assert '"llm"' not in system
    assert "At most 7 nodes" in system
    assert (asked.task.max_nodes, asked.task.kinds, [tool.name for tool in asked.task.tools]) == (
        7,
        ["tool", "map"],
        ["Echo"],
    )


async def test_what_is_wrong_goes_back_to_the_model():
    # given
    broken = chain(echo(tool="Delete"))
    stage = stage_of(planning(), broken, SOUND)
    # when
    standing = await stage.run()
    # then
    assert standing.status == "succeeded"
    asked = stage.model.requests[1].messages[-1].text
    assert "$.nodes[1].tool: A plan here may not call 'Delete': Echo." in asked
    assert '"Delete"' in asked
    keys = [str(entry.node_id) for entry in stage.of_type("step.done")]
    assert "plan[1]/write" in keys
    assert "plan[2]/say" in keys


CIRCLE: JsonObject = {
    "nodes": [
        {**START, "next": "a"},
        {"id": "a", "type": "llm", "next": "b"},
        {"id": "b", "type": "llm", "next": ["a", "end"]},
        END,
    ]
}
HIDDEN = {"id": "each", "type": "map", "over": "{{ [1] }}", "body": {"nodes": chain(echo(tool="Delete"))["nodes"]}}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (CIRCLE, "circle"),
        (chain(*({"id": f"n{n}", "type": "llm", "prompt": "x"} for n in range(30))), "at most 12 are allowed"),
        (chain(echo(tool="Delete")), "may not call 'Delete'"),
        (chain(HIDDEN), "$.nodes[1].body.nodes[1].tool: A plan here may not call 'Delete'"),
        (chain({"id": "again", "type": "planner"}), "may not have a node of type 'planner'"),
        (chain({"id": "other", "type": "subflow", "flow": "x"}), "may not have a node of type 'subflow'"),
        (chain({"id": "wait", "type": "approval"}), "may not have a node of type 'approval'"),
        (chain({"id": "inside", "type": "judge"}), "There is no node type 'judge'"),
        (chain({"id": "find", "type": "rag"}), "may not have a node of type 'rag'"),
        (chain({"id": "key", "type": "vault", "secret": "x"}), "may not have a node of type 'vault'"),
        (chain(echo(arguments={"text": "{{ vault.github }}"})), "in a flow that a run writes for itself"),
        (chain({"id": "a", "type": "llm", "model": "dearest"}), "ask the planner's own model"),
        (chain({"id": "a", "type": "llm", "config": {"model": "dearest"}}), "ask the planner's own model"),
        ({"nodes": [{**START, "schema": {"type": "integer"}}, END]}, "Leave 'schema' out"),
        ({"nodes": []}, "no nodes"),
        ({"steps": []}, "no list of 'nodes'"),
        ([1], "A plan is a JSON object"),
        ("I cannot plan that.", "This is not JSON"),
        ("", "This is not JSON"),
        ('{"nodes": [' * 500, "nested"),
    ],
)
async def test_a_plan_that_does_not_hold_is_never_done(plan: JsonValue, said: str):
    # given
    echoes = CountingTool("Echo")
    stage = stage_of(planning(), plan, plan, tools=[echoes, CountingTool("Delete")])
    # when
    standing = await stage.run()
    # then
    assert standing.data["error"]["code"] == "plan_invalid"
    assert said in standing.data["error"]["message"]
    assert len(stage.model.requests) == 2
    assert all(not tool.calls for tool in stage.tools)
    # What it wrote can be read in the history, both times.
    written = [entry.data["result"] for entry in stage.of_type("step.done") if str(entry.node_id).endswith("/write")]
    assert [each["document"] for each in written] == [None, None]
    assert all(each["problems"] for each in written)


async def test_a_planner_without_tools_plans_none():
    stage = stage_of(chain({"id": "plan", "type": "planner", "attempts": 1}), chain(echo()))
    standing = await stage.run()
    assert "may not call 'Echo': none" in standing.data["error"]["message"]
    assert "this plan calls no tools" in stage.model.requests[0].messages[0].text
    assert '- "tool" calls' not in stage.model.requests[0].messages[0].text


async def test_a_tool_that_is_not_at_hand_is_named():
    standing = await stage_of(planning(tools=["Gone"]), SOUND).run()
    assert standing.data["error"]["code"] == "tool_unknown"


async def test_a_plan_that_may_change_something_says_so():
    stage = stage_of(
        planning(tools=["Echo", "Post"]),
        chain(echo(tool="Post")),
        tools=[CountingTool("Echo"), CountingTool("Post", reads_only=False)],
    )
    assert (await stage.run()).status == "succeeded"
    [note] = stage.of_type("note")
    assert (note.data["level"], "The plan calls Post," in note.data["message"]) == ("warning", True)


async def test_a_plan_begins_with_what_it_is_given():
    stage = stage_of(planning(input={"name": "{{ input }}"}), chain(echo(arguments={"text": "{{ input.name }}!"})))
    assert (await stage.run()).data["output"]["text"] == "echo of Greet Ada!"
    assert "Greet Ada" in stage.model.requests[0].messages[-1].text


async def test_a_step_that_fails_in_a_plan_fails_the_planner_by_name():
    standing = await stage_of(planning(), chain(echo(arguments={"text": 7}))).run()
    assert standing.data["error"]["node_id"] == "plan"
    assert standing.data["error"]["message"].startswith("plan[1]/say: ")
    recovered = await stage_of(planning(on_error={"default": "by hand"}), "no plan", "no plan").run()
    assert recovered.data["output"] == "by hand"


async def test_killed_at_any_write_a_plan_ends_the_same():
    # given
    answers = ("no plan at all", SOUND)
    calm = stage_of(planning(), *answers)
    expected = await calm.run()
    assert expected.status == "succeeded"
    for dies_at in range(1, calm.journal.appends + 1):
        for keeps in (False, True):
            stage = stage_of(planning(), *answers)
            stage.journal.dies_at, stage.journal.keeps_the_last = dies_at, keeps
            # when
            with pytest.raises(WorkerKilled):
                await stage.run()
            standing = await stage.run()
            # then
            assert standing.data["output"] == expected.data["output"], (dies_at, keeps)
            done = [entry.node_id for entry in stage.of_type("step.done")]
            assert len(done) == len(set(done))
            assert len({key for _, key in stage.tools[0].calls}) == 1


async def test_the_built_in_model_plans_with_the_tools_it_may_use():
    # given
    stage = Stage(planning(), model=OfflineModel(), input="Greet Ada", tools=[CountingTool("Echo")])
    # when
    standing = await stage.run()
    # then
    assert standing.status == "succeeded"
    assert stage.tools[0].calls[0][0] == {"text": "Greet Ada"}
    assert "echo of Greet Ada" in standing.data["output"]


def told(document: JsonObject, **more: Any) -> str:
    return "\n".join(f"{problem.place}: {problem.message}" for problem in check_flow(document, **more))


def test_what_is_wrong_with_its_settings_is_told():
    assert told(planning()) == ""
    assert "'kinds' has 'planner', which must be one of" in told(planning(kinds=["planner"]))
    assert "'max_nodes' must be a whole number from 2 to 50" in told(planning(max_nodes=51))
    assert "'tools' must be a list" in told(planning(tools="Echo"))
    assert "'tools' must name each once" in told(planning(tools=["Echo", "Echo"]))
    assert "There is no tool called 'Echo'" in told(planning(), tools=["Ecko"])
