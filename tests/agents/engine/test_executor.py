# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs: what is written down when, what is shown meanwhile, and how a run ends."""

import asyncio
from dataclasses import replace

import pytest

from agents.adapters.chat_model import GatewayModel
from agents.adapters.tools.web_search import WebSearch
from agents.engine.decide import MOST_HANDED_ON, MOST_UNDER_WAY
from agents.engine.gate import Occasion
from agents.engine.journal import idempotency_key
from agents.engine.logs import log_line
from agents.engine.tools import ToolSpec
from codexos.kernel.chat import ContextDocument
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import BLUEPRINT, RUN_ID, CountingModel, CountingTool, Stage, chain

NOTES = ContextDocument(
    "notes.md",
    "# Kelp works\n\nThe drying hall holds forty racks. Inspections fall on the second Tuesday of May.\n"
    "Nobody may smoke near the ovens.\n",
)


async def test_the_blueprint_flow_quotes_the_right_sentence_of_the_file():
    # given
    stage = Stage(BLUEPRINT, "When are the inspections?", GatewayModel(), tools=[WebSearch([NOTES])], documents=[NOTES])
    # when
    standing = await stage.run()
    # then
    assert standing.status == "succeeded"
    assert standing.data["output"] == 'From notes.md: "Inspections fall on the second Tuesday of May."'
    assert standing.data["citations"] == [
        {"path": "notes.md", "lines": "3", "quote": "Inspections fall on the second Tuesday of May."}
    ]
    assert [entry.seq for entry in stage.journal.entries] == list(range(1, len(stage.journal.entries) + 1))
    named = {log_line(entry).node_id for entry in stage.journal.entries} - {None}
    assert named == {"start", "planner", "tool_selector", "summarizer", "end"}
    notes = " ".join(log_line(entry).message for entry in stage.of_type("note"))
    assert "'gpt-4'" in notes
    assert "'claude-3-opus'" in notes


async def test_what_a_model_is_asked_is_labelled():
    stage = Stage()
    await stage.run()
    first, second = stage.model.requests
    assert first.model == "gpt-4"
    assert first.messages[-1].text == "# Input\n\nWhat now?"
    assert second.messages[-1].text.startswith("# Input\n\nWhat now?\n\n# Result of tool_selector\n\necho of [gpt-4]")


async def test_settings_reach_the_model_and_templates_are_filled_in():
    # given
    llm = {
        "id": "a",
        "type": "llm",
        "system": "Answer {{ input.name }}.",
        "prompt": "Say {{ input.word }}",
        "temperature": 0,
        "max_tokens": 9,
    }
    tool = {"id": "t", "type": "tool", "tool": "Echo", "arguments": {"text": "{{ a.text }}", "times": "{{ input.n }}"}}
    document = chain(llm, tool)
    document["nodes"][-1]["output"] = {"url": "{{ t.results[0].url }}"}
    stage = Stage(document, {"name": "Ada", "word": "yes", "n": 2}, tools=[CountingTool()])
    # when
    standing = await stage.run()
    # then
    request = stage.model.requests[0]
    assert [message.text for message in request.messages] == ["Answer Ada.", "Say yes"]
    assert (request.model, request.temperature, request.max_tokens) == ("default", 0.0, 9)
    assert stage.tools[0].calls == [({"text": "[default] Say yes", "times": 2}, idempotency_key(RUN_ID, "t"))]
    assert standing.data["output"] == {"url": "https://example.org/1"}


async def test_usage_is_summed_and_told_on_the_last_entry():
    stage = Stage()
    standing = await stage.run()
    assert standing.data["usage"] == {"input_tokens": 20, "output_tokens": 10, "cost_usd": 0.002}
    assert stage.of_type("run.finished")[0].data == standing.data


async def test_text_streams_as_frames_without_seq():
    stage = Stage(chain({"id": "a", "type": "llm", "prompt": "Hello"}))
    await stage.run()
    assert [(frame.type, frame.node_id) for frame in stage.watcher.frames] == [("delta", "a")]
    assert stage.watcher.frames[0].data == {"text": "[defa", "offset": 0, "attempt": 1}


async def test_a_failed_step_says_what_which_and_what_next():
    stage = Stage(chain({"id": "t", "type": "tool", "tool": "Hammer"}), tools=[CountingTool()])
    standing = await stage.run()
    assert standing.status == "failed"
    assert standing.data["error"] == {
        "code": "tool_unknown",
        "message": "There is no tool called 'Hammer'. Use one of: Echo.",
        "node_id": "t",
    }
    assert stage.types()[-2:] == ["step.failed", "run.finished"]
    assert stage.tools[0].calls == []


async def test_a_wrong_call_of_a_tool_is_readable():
    tool = {"id": "t", "type": "tool", "tool": "Echo", "arguments": {"text": 5, "size": 1}}
    standing = await Stage(chain(tool), tools=[CountingTool()]).run()
    message = standing.data["error"]["message"]
    assert "'text' must be text, not a whole number" in message
    assert "'size' is not asked for" in message


async def test_a_bug_in_a_tool_fails_the_run_without_telling_its_insides(caplog):
    class Broken(CountingTool):
        async def call(self, arguments, *, on):
            raise ZeroDivisionError("secret detail")

    stage = Stage(tools=[Broken("WebSearch")])
    standing = await stage.run()
    assert standing.status == "failed"
    assert "secret detail" not in str(stage.journal.entries)
    assert "secret detail" in caplog.text


async def test_without_retries_the_first_rest_fails_the_run():
    stage = Stage(model=CountingModel(unavailable_times=1))
    assert (await stage.run()).data["error"]["code"] == "unavailable"
    assert len(stage.model.requests) == 1


async def test_a_tool_that_changes_things_is_never_tried_again_by_itself():
    class Away(CountingTool):
        async def call(self, arguments, *, on):
            await super().call(arguments, on=on)
            await asyncio.sleep(3600)

    node = {"id": "t", "type": "tool", "tool": "Post", "retry": {"attempts": 5}, "timeout_seconds": 0.1}
    stage = Stage(chain(node), tools=[Away("Post", reads_only=False)])
    standing = await stage.run()
    assert standing.data["error"]["code"] == "step_timed_out"
    assert len(stage.tools[0].calls) == 1


class Crowd(CountingTool):
    """A tool that knows how many of its calls were under way at a time."""

    under_way = most = 0

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().call(arguments, on=on)


async def test_a_flow_wider_than_what_may_be_under_way_does_each_step_once():
    # given
    ids = [f"n{number}" for number in range(3 * MOST_HANDED_ON // 2)]
    steps = [{"id": each, "type": "tool", "tool": "Crowd", "arguments": {"text": each}, "next": "end"} for each in ids]
    entry = {"id": "start", "type": "entry", "next": ids}
    crowd = Crowd("Crowd")
    stage = Stage({"id": "wide", "nodes": [entry, *steps, {"id": "end", "type": "exit"}]}, tools=[crowd])
    # when
    standing = await stage.run()
    # then
    assert standing.status == "succeeded"
    assert crowd.most == MOST_UNDER_WAY
    assert sorted(entry.node_id for entry in stage.of_type("step.intended")) == sorted(ids)
    assert len(crowd.calls) == len(ids)


async def test_cancelling_cuts_off_a_model_at_once():
    # given
    stage = Stage(model=CountingModel(hangs=True))
    executor = stage.executor()
    run = asyncio.create_task(executor.advance())
    await stage.model.was_asked.wait()
    # when
    executor.request_cancel("Ada")
    standing = await asyncio.wait_for(run, 1)
    # then
    assert standing.status == "cancelled"
    assert standing.data["error"]["message"] == "The run was cancelled by Ada."
    assert stage.types()[-1] == "run.finished"


class Program(CountingTool):
    """A tool that may have had its effect by now, and never ends."""

    def __init__(self, *, ends_with_run: bool) -> None:
        super().__init__(reads_only=False)
        self._ends, self.began, self.is_stopped = ends_with_run, asyncio.Event(), False

    @property
    def spec(self) -> ToolSpec:
        return replace(super().spec, ends_with_run=self._ends)

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.is_stopped = True


@pytest.mark.parametrize("ends_with_run", [True, False])
async def test_cancelling_ends_a_program_at_once_and_says_that_it_may_have_done_something(ends_with_run: bool):
    # given
    program = Program(ends_with_run=ends_with_run)
    stage = Stage(chain({"id": "p", "type": "tool", "tool": "Echo"}), "x", tools=[program])
    executor = stage.executor()
    run = asyncio.create_task(executor.advance())
    await program.began.wait()
    # when
    executor.request_cancel("Ada")
    done, _ = await asyncio.wait([run], timeout=5 if ends_with_run else 0.05)
    # then
    assert (bool(done), program.is_stopped) == (ends_with_run, ends_with_run)
    if ends_with_run:
        assert run.result().status == "cancelled"
        assert "until then has happened" in stage.of_type("step.skipped")[0].data["message"]
    else:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_a_run_let_go_is_finished_by_the_next_worker():
    stage = Stage()
    executor = stage.executor()
    executor.request_release()
    assert (await executor.advance()).status == "released"
    assert stage.model.requests == []
    assert (await stage.run()).status == "succeeded"
    assert stage.of_type("run.started")[1].data == {"epoch": 2, "resumed": True}


async def test_a_chain_of_a_hundred_nodes_runs():
    nodes = [{"id": f"n{index}", "type": "tool", "tool": "Echo"} for index in range(98)]
    stage = Stage(chain(*nodes), "x", tools=[CountingTool()])
    standing = await stage.run()
    assert standing.status == "succeeded"
    assert len(stage.tools[0].calls) == 98
    assert stage.journal.appends == 99


async def test_documents_are_cut_to_the_budget_and_a_note_names_them():
    big, small = ContextDocument("big.txt", "x" * 900_000), ContextDocument("small.txt", "y" * 50)
    stage = Stage(chain({"id": "a", "type": "llm"}), documents=[big, small])
    await stage.run()
    shown = stage.model.requests[0].documents
    assert [len(document.text) for document in shown] == [399_950 - len("# Input\n\nWhat now?"), 50]
    assert [entry.data["document"] for entry in stage.of_type("note")] == ["big.txt"]
    assert log_line(stage.of_type("note")[0]).level == "warning"


async def test_a_small_model_is_given_less_and_a_note_says_so():
    stage = Stage(
        chain({"id": "a", "type": "llm"}, {"id": "b", "type": "llm"}), "x" * 3_000, CountingModel(budget=2_000)
    )
    await stage.run()
    first, second = stage.model.requests
    assert [document.text for document in first.documents] == []
    assert second.messages[0].text.endswith("# Result of a\n\n" + f"[default] # Input\n\n{'x' * 3_000}"[:1_000] + " …")
    assert [entry.data["message"] for entry in stage.of_type("note")] == [
        "The result of a was cut to its first 1,000 of 3,019 characters to fit what the model takes."
    ]


@pytest.mark.parametrize("depth", [200, 10_000])
async def test_an_input_nested_too_deeply_fails_the_run_and_not_the_worker(depth: int):
    deep: JsonValue = "bottom"
    for _ in range(depth):
        deep = [deep]
    standing = await Stage(chain({"id": "a", "type": "llm"}), deep).run()
    assert standing.data["error"]["code"] == "result_too_large"


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "ü" * 10_000, "{{ nobody }}"])
async def test_odd_inputs_run_as_they_are(text: str):
    stage = Stage(BLUEPRINT, text, GatewayModel(), tools=[WebSearch([NOTES])], documents=[NOTES])
    assert (await stage.run()).status == "succeeded"
