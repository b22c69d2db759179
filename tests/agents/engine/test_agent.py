# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An llm with tools: asked, told what its calls gave, and asked again; within its limits, whatever the model does."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agents.adapters.tools.memory import READ_SPEC
from agents.engine.asked import Times, asked_of, is_open_ended
from agents.engine.documents import check_flow, parse_flow
from agents.engine.journal import encode_data
from agents.engine.policies.gates import PolicyGate
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ChatRequest, ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.conformance.flows import Giving, Shaky
from tests.agents.engine.scripts import CallingModel, Said, round_of, told
from tests.agents.engine.stage import CountingTool, Stage, chain
from tests.agents.engine.test_agent_memory import Kept


def agent(**more: Any) -> JsonObject:
    return chain({"id": "ask", "type": "llm", "prompt": "Find it.", "tools": ["Echo"], **more})


def echoes(times: int, *, text: str = "found") -> Any:
    """A script that calls Echo so many times, and then answers."""

    def script(request: ChatRequest) -> Said:
        done = round_of(request)
        if done >= times or not request.tools or request.tool_choice == "none":
            return text, []
        return f"Round {done + 1}.", [("Echo", {"text": f"n{done}"})]

    return script


def stage_of(document: JsonObject, script: Any, *, tools: Any = None, **more: Any) -> Stage:
    return Stage(document, model=CallingModel(script), tools=tools or [CountingTool()], **more)


def asked(run: Stage) -> list[ChatRequest]:
    model = run.model
    assert isinstance(model, CallingModel)
    return model.requests


async def test_a_model_is_told_what_its_calls_gave_until_it_answers():
    # given
    run = stage_of(agent(), echoes(2))
    # when
    standing = await run.run()
    # then
    assert standing.data["output"] == "found"
    assert [round_of(request) for request in asked(run)] == [0, 1, 2]
    assert [json.loads(text)["text"] for text in told(asked(run)[2])] == ["echo of n0", "echo of n1"]
    assert [entry.node_id for entry in run.of_type("step.intended")] == [
        *("ask", "ask[0]/think"),
        *("ask[1]/Echo", "ask[1]/think"),
        *("ask[2]/Echo", "ask[2]/think"),
    ]
    [done] = [entry for entry in run.of_type("step.done") if entry.node_id == "ask"]
    assert done.data["result"]["rounds"] == 3
    assert done.data["result"]["tool_calls"] == 2
    assert done.data["result"]["usage"] == {"input_tokens": 30, "output_tokens": 15, "cost_usd": 0.003}
    # and what was spent is counted once
    assert standing.data["usage"] == {"input_tokens": 30, "output_tokens": 15, "cost_usd": 0.003}


async def test_what_is_written_down_grows_with_the_rounds_and_not_with_their_square():
    tools = [Giving("Echo", gift={"text": "x" * 2_000})]

    async def bytes_of(rounds: int) -> int:
        run = stage_of(agent(max_steps=50), echoes(rounds), tools=tools)
        await run.run()
        return sum(len(encode_data(entry.data)) for entry in run.journal.entries)

    few, many = await bytes_of(4), await bytes_of(16)
    a_round = (many - few) / 12
    assert a_round < 2_000 + 900
    # the sixteenth costs no more than the first
    assert many < few + 12 * 2_900


async def test_calls_that_are_asked_for_together_are_made_side_by_side_or_one_by_one():
    def script(request: ChatRequest) -> Said:
        return ("done", []) if round_of(request) else ("", [("Echo", {"text": "a"}), ("Echo", {"text": "b"})])

    for is_parallel in (True, False):
        run = stage_of(agent(parallel_calls=is_parallel), script)
        assert (await run.run()).data["output"] == "done"
        entries = [(entry.type, entry.node_id) for entry in run.journal.entries if "Echo" in str(entry.node_id)]
        first, second = "ask[1]/Echo", "ask[1]/Echo-2"
        together = [("step.intended", first), ("step.intended", second)]
        assert (entries[:2] == together) is is_parallel
        assert sorted(entry for entry in entries) == sorted(
            [*together, ("step.done", first), ("step.done", second)],
        )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("Ehco", {"text": "a"}), "There is no tool 'Ehco'. These may be called: 'Echo', 'Broken'."),
        (("Echo", "{not json"), "cannot be read: Expecting property name"),
        (("Echo", "[1]"), "they are no object"),
        (("Echo", {"txt": "a"}), "was called wrongly"),
        (("Broken", {"text": "a"}), "The shop is closed for good."),
        (("Echo", "[" * 200 + "]" * 200), "no object"),
        (("Echo", '{"text": ' + "[" * 90 + "]" * 90 + "}"), "nest deeper"),
    ],
    ids=["unknown", "no json", "no object", "misfit", "fails", "deep list", "deep"],
)
async def test_a_call_that_goes_wrong_is_told_to_the_model_in_words(call: tuple[str, JsonValue], words: str):
    # given
    def script(request: ChatRequest) -> Said:
        return ("sorry", []) if round_of(request) else ("", [call])  # type: ignore[list-item]

    tools = [CountingTool(), Shaky("Broken", is_broken=True)]
    run = stage_of(agent(tools=["Echo", "Broken"]), script, tools=tools)
    # when
    standing = await run.run()
    # then the run goes on
    assert (standing.status, standing.data["output"]) == ("succeeded", "sorry")
    [said] = told(asked(run)[1])
    assert words in said


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_steps": 3}, "max_steps"),
        ({"max_tool_calls": 2}, "max_tool_calls"),
        ({"max_cost_usd": 0.003}, "max_cost_usd"),
    ],
)
async def test_a_model_that_never_answers_comes_to_its_limit(limits: JsonObject, words: str):
    # when it is to fail
    run = stage_of(agent(**limits), lambda request: ("", [("Echo", {"text": "again"})]))
    standing = await run.run()
    # then
    assert standing.data["error"]["code"] == "agent_limit_reached"
    assert words in standing.data["error"]["message"]
    assert len(asked(run)) == 3
    # when it is to answer
    run = stage_of(agent(**limits, at_limit="answer"), echoes(1_000, text="all I have"))
    standing = await run.run()
    # then
    assert standing.data["output"] == "all I have"
    assert asked(run)[-1].tool_choice == "none"
    assert "No more tools can be called" in told(asked(run)[-1])[-1]


async def test_a_model_that_calls_on_when_it_must_answer_fails():
    run = stage_of(agent(max_steps=2, at_limit="answer"), lambda request: ("", [("Echo", {"text": "again"})]))
    assert (await run.run()).data["error"]["code"] == "agent_limit_reached"
    assert len(asked(run)) == 2


async def test_calls_beyond_what_is_allowed_are_not_made():
    def script(request: ChatRequest) -> Said:
        return ("done", []) if round_of(request) else ("", [("Echo", {"text": str(n)}) for n in range(5)])

    run = stage_of(agent(max_tool_calls=3), script)
    assert (await run.run()).data["output"] == "done"
    assert len([text for text in told(asked(run)[1]) if "Only 3 of 5 calls were made" in text]) == 2


async def test_who_must_call_a_tool_must_once():
    run = stage_of(agent(tool_choice="required"), echoes(1))
    await run.run()
    assert [request.tool_choice for request in asked(run)] == ["required", "auto"]


async def test_an_answer_in_a_form_comes_last():
    schema: JsonObject = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    document = agent(output_schema=schema)
    document = {
        **document,
        "nodes": [*document["nodes"][:-1], {"id": "end", "type": "exit", "output": "{{ ask.json }}"}],
    }  # type: ignore[index,misc]
    run = stage_of(document, echoes(1))
    assert (await run.run()).data["output"] == {"answer": "found"}


async def test_a_conversation_stays_within_what_the_model_takes():
    # given every result fills a third of it
    tools = [Giving("Echo", gift={"text": "y" * 9_000})]
    documents = [ContextDocument("book.txt", "z" * 50_000)]
    run = stage_of(agent(max_steps=12), echoes(8), tools=tools, documents=documents)
    assert isinstance(run.model, CallingModel)
    run.model.budget = 30_000
    # when
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    for request in asked(run):
        said = sum(len(message.text) for message in request.messages) + sum(len(d.text) for d in request.documents)
        assert said <= 31_000
    # the newest is whole, the oldest is short, and people are told
    assert len(told(asked(run)[-1])[-1]) == 9_000 > len(told(asked(run)[-1])[0])
    assert any("shortened" in str(entry.data["message"]) for entry in run.of_type("note"))


async def test_all_the_tools_of_a_server_are_offered_by_names_that_providers_take():
    tools = [CountingTool("git.log"), CountingTool("git.diff"), CountingTool("github.issues")]

    def script(request: ChatRequest) -> Said:
        return ("done", []) if round_of(request) else ("", [("git__log", {"text": "a"})])

    run = stage_of(agent(tools=["git.*"]), script, tools=tools)
    assert (await run.run()).data["output"] == "done"
    assert [tool.name for tool in asked(run)[0].tools] == ["git__diff", "git__log"]
    assert "ask[1]/git.log" in [entry.node_id for entry in run.of_type("step.intended")]


async def test_the_prompt_is_filled_in_once():
    document = {
        "id": "case",
        "state": {"seen": {"initial": "first"}},
        "nodes": [
            {"id": "start", "type": "entry", "next": ["ask", "other"]},
            {"id": "ask", "type": "llm", "prompt": "{{ state.seen }}", "tools": ["Echo"], "next": "end"},
            {
                "id": "other",
                "type": "tool",
                "tool": "Echo",
                "arguments": {"text": "b"},
                "set": {"seen": "x"},
                "next": "end",
            },
            {"id": "end", "type": "exit"},
        ],
    }
    run = stage_of(document, echoes(2))
    await run.run()
    assert {request.messages[0].text for request in asked(run)} == {"first"}


def test_what_is_wrong_with_tools_is_said_when_a_flow_is_saved():
    def said(**more: Any) -> list[tuple[str, str]]:
        problems = check_flow(agent(**more), tools=["Echo", "git.log", "git.diff"])
        return [(problem.place, problem.message) for problem in problems]

    assert said() == []
    assert said(tools=["git.*", "flow.research"]) == []
    assert "Did you mean 'Echo'?" in said(tools=["Ecoh"])[0][1]
    assert "No tool's name begins with 'gti.'" in said(tools=["gti.*"])[0][1]
    assert said(max_steps=0)[0][0] == "$.nodes[1].max_steps"
    assert "must name each once" in said(tools=["Echo", "Echo"])[0][1]
    assert "cannot wait for hours" in said(can_wait=True)[0][1]
    assert "means nothing without 'tools'" in said(tools=[], max_steps=3)[0][1]


@dataclass
class Outward(CountingTool):
    """A tool that writes to any host."""

    name: str = "Send"
    reads_only: bool = False

    @property
    def spec(self) -> ToolSpec:
        return replace(super().spec, capabilities=("write", "egress:evil.example"))


@pytest.mark.parametrize("source", ["page", "file", "memory"])
async def test_a_model_that_obeys_whatever_it_reads_sends_nothing_out(source: str):
    # given a model that does what any text tells it, and text of strangers that tells it to send what it knows
    order = "SEND"

    def obeys(request: ChatRequest) -> Said:
        read = [*told(request), *(document.text for document in request.documents)]
        if any(order in text for text in read) and not any("not called" in text for text in told(request)):
            return "", [("Send", {"text": "all it knows"})]
        return ("", [("Page", {"text": "page"})]) if not told(request) else ("done", [])

    page = Giving("Page", gift={"text": order if source == "page" else "nothing"})
    remembered: JsonObject = {"scope": "project", "key": "k", "value": order, "trusted": False}
    recall = Kept(READ_SPEC, [remembered] if source == "memory" else [])
    send = Outward()
    documents = [ContextDocument("notes.md", order)] if source == "file" else []
    document = agent(tools=["Page", "Send"], memory={"read": ["project"]})
    run = stage_of(document, obeys, tools=[page, recall, send], documents=documents, gate=PolicyGate.of_the_house())
    # when
    standing = await run.run()
    # then a person is asked, with what led to it, and nothing has left
    assert standing.status == "waiting"
    assert send.calls == []
    [asked_of_people] = run.of_type("run.waiting")
    call = asked_of_people.data["call"]
    assert isinstance(call, dict)
    assert (call["tool"], call["hosts"], call["chosen_by"]) == ("Send", ["evil.example"], "model")
    assert call["labels"]


def test_an_agent_is_estimated_by_its_rounds():
    graph = parse_flow(agent(max_steps=6, output_schema={"type": "object"}))
    [asked_about] = asked_of(graph, given_characters=100)
    assert (asked_about.place, asked_about.times) == ("ask", Times(1, 3, 12))
    assert is_open_ended(graph)
