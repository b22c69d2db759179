# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How lanes end that are not alone: what is under way in them is heard, and nothing that happened is forgotten."""

import asyncio
import json

import pytest

from agents.engine import snapshots
from agents.engine.documents import check_flow, parse_flow
from agents.engine.gate import Occasion
from agents.engine.journal import Entry
from agents.engine.ports import InboxMessage
from agents.engine.view import JournalView
from codexos.kernel.errors import InvalidInput
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.engine.stage import CountingModel, CountingTool, Stage, WorkerKilled, chain
from tests.agents.engine.test_lanes import END, START, body, echo, loop_of, mapping


class Order(CountingTool):
    """A write: it may not be made again unasked. Each call waits to be let through."""

    def __init__(self) -> None:
        super().__init__("Order", reads_only=False)
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        self.begun.set()
        await self.may_end.wait()
        return await super().call(arguments, on=on)


def order(node_id: str, **more: JsonValue) -> JsonObject:
    return {"id": node_id, "type": "tool", "tool": "Order", "arguments": {"text": "one"}, **more}


def branching(*ways: str, nodes: list[JsonObject]) -> JsonObject:
    return {"nodes": [{**START, "next": list(ways)}, *nodes]}


async def test_a_map_that_fails_waits_for_the_write_that_is_under_way_in_it():
    # given: one item comes to its loop's limit while another writes
    tool = Order()
    choose = {"id": "which", "type": "condition", "expression": "{{ item }}", "next": {"loop": "again", "else": "slow"}}
    stuck = {**loop_of(until="{{ false }}", max_rounds=2), "next": "end"}
    drawn = branching("which", nodes=[choose, stuck, order("slow", next="end"), END])
    flow = chain(mapping(over=["order", "loop"], body=drawn, on_error={"default": "failed"}), echo("after", "on"))
    stage = Stage(flow, tools=[tool, CountingTool("Echo")], input=1)
    run = asyncio.create_task(stage.run())
    await tool.begun.wait()
    await asyncio.sleep(0)
    assert "each" not in [entry.node_id for entry in stage.of_type("step.failed")]
    # when
    tool.may_end.set()
    standing = await run
    # then
    assert standing.status == "succeeded"
    keys = [str(entry.node_id) for entry in stage.journal.entries if entry.type in {"step.done", "step.failed"}]
    assert keys.index("each[0]/slow") < keys.index("each")
    JournalView.of(parse_flow(flow), stage.journal.entries, input=1)


async def test_a_branch_that_fails_behind_the_end_of_its_lane_fails_nothing():
    # given: a write that is refused after the lane has its result
    class Refused(Order):
        async def call(self, arguments: JsonObject, *, on: Occasion) -> JsonValue:
            for _ in range(20):
                await asyncio.sleep(0)
            raise InvalidInput("No such order.")

    quick = {"id": "quick", "type": "condition", "cases": [{"when": "true", "next": "end"}], "else": "end"}
    drawn = branching("quick", "bad", nodes=[quick, order("bad", next="end"), {**END, "join": "any", "output": "done"}])
    stage = Stage(chain(mapping(over=[1, 2], body=drawn)), tools=[Refused()])
    # then
    assert (await stage.run()).data["output"] == ["done", "done"]
    assert len(stage.of_type("step.failed")) == 2


async def test_a_map_goes_over_what_the_list_was_when_it_began():
    flow: JsonObject = {
        "state": {"queue": {"initial": ["a", "b", "c"]}},
        "nodes": [
            {**START, "next": ["each", "other"]},
            mapping(over="{{ state.queue }}", body=body(echo("say", "{{ item }}"), output="{{ item }}"), max_parallel=1)
            | {"next": "end"},
            echo("other", "x", next="end", set={"queue": ["z"]}),
            {**END, "output": "{{ each }}"},
        ],
    }
    assert (await Stage(flow, tools=[CountingTool("Echo")]).run()).data["output"] == ["a", "b", "c"]


async def test_a_write_that_was_cut_off_in_a_lane_that_is_over_is_told_as_it_was():
    # given: an item fails while another writes, and the worker dies
    tool = Order()
    first, bad = echo("first", "x", next="bad"), echo("bad", "{{ item.name }}", next="end")
    drawn = branching("which", nodes=[WHICH, first, bad, order("slow", next="end"), END])
    stage = Stage(chain(mapping(over=["order", "fail"], body=drawn)), tools=[tool, CountingTool("Echo")])
    run = asyncio.create_task(stage.run())
    await tool.begun.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    # when
    assert (await stage.run()).status == "failed"
    # then
    [told] = [entry for entry in stage.of_type("step.skipped") if entry.node_id == "each[0]/slow"]
    assert told.data["reason"] == "may_have_happened"
    assert tool.calls == []


WHICH: JsonObject = {
    "id": "which",
    "type": "condition",
    "expression": "{{ item }}",
    "next": {"fail": "first", "else": "slow"},
}


async def test_lanes_that_end_together_end_from_a_snapshot_too():
    # given: an inner and an outer lane are over, and wait for one write
    tool = Order()
    quick = [echo("a", "1", next="b"), echo("b", "2", next="c"), echo("c", "3", next="end"), {**END, "join": "any"}]
    inner = branching("a", "slow", nodes=[*quick, order("slow", next="end")])
    nested = {"id": "inner", "type": "map", "over": [1], "body": inner, "next": "end"}
    longer = [echo("d", "4", next="a"), *quick]
    outer = branching("d", "inner", nodes=[*longer, nested])
    flow = chain(mapping(over=[1], body=outer))
    stage = Stage(flow, tools=[tool, CountingTool("Echo")])
    run = asyncio.create_task(stage.run())
    await tool.begun.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    tool.may_end.set()
    standing = await run
    # then
    graph, entries = parse_flow(flow), stage.journal.entries
    for length in range(len(entries)):
        begun = JournalView.of(graph, entries[:length], input="What now?")
        kept = json.loads(json.dumps(snapshots.dump(begun), default=dict))
        again = snapshots.restore(kept, graph, input="What now?", read_flow=parse_flow)
        assert again is not None
        for entry in entries[length:]:
            again.fold(entry)
        assert again.finished == standing.data


async def test_a_node_whose_time_is_up_says_so_before_anything_is_cut_and_after_a_crash():
    for dies_at in (None, *range(2, 7)):
        # given
        slowly = body({"id": "ask", "type": "llm", "prompt": "go"})
        drawn = mapping(over=[1], body=slowly, timeout_seconds=60, on_error={"default": "late"})
        stage = Stage(chain(drawn), model=CountingModel(hangs=True))
        stage.journal.dies_at = dies_at
        # when
        for _ in range(3):
            try:
                standing = await stage.run()
                break
            except WorkerKilled:
                continue
        # then
        assert standing.data["output"] == "late", dies_at
        [failed] = stage.of_type("step.failed")
        assert failed.data["error"]["code"] == "step_timed_out"


async def test_a_run_that_only_computes_hears_that_it_is_cancelled():
    stage = Stage(chain({**loop_of(max_rounds=1_000), "body": body(loop_of(max_rounds=50))}), input=0)
    executor = stage.executor()
    run = asyncio.create_task(executor.advance())
    await asyncio.sleep(0.05)
    stage.inbox.messages.append(InboxMessage("m", "cancel", "Ada", {}))
    executor.announce_post()
    assert (await run).status == "cancelled"


async def test_a_model_that_was_not_waited_for_counts_as_estimated():
    ask: JsonObject = {"id": "ask", "type": "llm", "prompt": "x" * 4_000, "timeout_seconds": 0.1}
    stage = Stage({**chain(ask), "limits": {"tokens": 500}}, model=CountingModel(hangs=True))
    standing = await stage.run()
    assert standing.data["usage"]["input_tokens"] >= 1_000


def test_an_id_that_could_be_taken_for_a_step_in_a_lane_is_refused():
    problems: list[Entry | str] = [problem.message for problem in check_flow(chain(echo("each[0]/say", "x")))]
    assert "parts the names of steps" in str(problems)
