# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Parallel branches and joins, ways that are not taken, and failures that a flow deals with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.engine import executor
from agents.engine.graph import FlowGraph, Node, OnError, Way
from agents.engine.view import JournalView
from tests.agents.engine.stage import CountingModel, CountingTool, Stage, WorkerKilled


@dataclass
class Gate(CountingTool):
    """A tool whose calls wait until they are let through, by their text."""

    name: str = "Gate"
    open: set[str] = field(default_factory=set)
    moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: list[str] = field(default_factory=list)

    async def call(self, arguments: Any, *, key: str) -> Any:
        text = str(arguments["text"])
        async with self.moved:
            self.calls.append((arguments, key))
            self.moved.notify_all()
            await self.moved.wait_for(lambda: text in self.open)
        self.ended.append(text)
        return {"text": f"through {text}"}

    async def let(self, *texts: str) -> None:
        async with self.moved:
            self.open.update(texts)
            self.moved.notify_all()

    async def until_called(self, times: int) -> None:
        async with self.moved:
            await self.moved.wait_for(lambda: len(self.calls) >= times)


def tool(node_id: str, *targets: str, name: str = "Gate", **more: Any) -> Node:
    settings = {"tool": name, "arguments": {"text": node_id}}
    return Node(node_id, "tool", settings, tuple(Way(target) for target in targets), **more)


def flow(*nodes: Node, begin: Sequence[str], **exit_settings: Any) -> FlowGraph:
    start = Node("start", "entry", {}, tuple(Way(target) for target in begin))
    end = Node("end", "exit", dict(exit_settings.pop("settings", {})), **exit_settings)
    return FlowGraph.of("branches", [start, *nodes, end])


def started(graph: FlowGraph, *tools: CountingTool) -> tuple[Stage, "asyncio.Task[Any]"]:
    stage = Stage(graph, tools=tools)
    return stage, asyncio.create_task(stage.run())


async def test_branches_run_side_by_side_and_a_join_waits_for_all():
    # given
    gate = Gate()
    stage, run = started(flow(tool("a", "end"), tool("b", "end"), begin=["a", "b"]), gate)
    await gate.until_called(2)
    # when
    await gate.let("b")
    await asyncio.sleep(0.01)
    assert not run.done()
    await gate.let("a")
    standing = await run
    # then
    assert standing.data["output"] == {"b": {"text": "through b"}, "a": {"text": "through a"}}
    assert gate.ended == ["b", "a"]
    # Both intents went into one commit before either call.
    assert stage.journal.appends == 3


async def test_a_slow_branch_holds_up_only_what_needs_it():
    # given
    gate = Gate()
    graph = flow(tool("slow", "end"), tool("quick", "after"), tool("after", "end"), begin=["slow", "quick"])
    _, run = started(graph, gate)
    # when
    await gate.let("quick", "after")
    await gate.until_called(3)
    # then
    assert [arguments["text"] for arguments, _ in gate.calls] == ["slow", "quick", "after"]
    await gate.let("slow")
    assert (await run).status == "succeeded"


async def test_any_goes_on_with_the_first_and_cuts_off_what_is_not_needed():
    # given
    gate = Gate()
    stage, run = started(flow(tool("a", "end"), tool("b", "end"), begin=["a", "b"], join="any"), gate)
    await gate.until_called(2)
    # when
    await gate.let("b")
    standing = await run
    # then
    assert standing.data["output"] == {"text": "through b"}
    (skipped,) = stage.of_type("step.skipped")
    assert (skipped.node_id, skipped.data["reason"]) == ("a", "not_needed")
    assert gate.ended == ["b"]


async def test_what_may_not_be_cut_off_is_let_end_before_the_run_does():
    # given
    gate = Gate(reads_only=False)
    stage, run = started(flow(tool("a", "end"), tool("b", "end"), begin=["a", "b"], join="any"), gate)
    await gate.until_called(2)
    # when
    await gate.let("b")
    await asyncio.sleep(0.01)
    assert not run.done()
    await gate.let("a")
    # then
    assert (await run).data["output"] == {"text": "through b"}
    assert [entry.node_id for entry in stage.of_type("step.done")] == ["start", "b", "end", "a"]


async def test_a_number_of_branches_is_enough():
    # given
    gate = Gate()
    graph = flow(*(tool(name, "both") for name in "abc"), tool("both", "end", join=2), begin=["a", "b", "c"])
    _, run = started(graph, gate)
    # when
    await gate.let("c", "a", "both")
    standing = await run
    # then
    assert standing.status == "succeeded"
    assert [arguments["text"] for arguments, _ in gate.calls] == ["a", "b", "c", "both"]
    assert "b" not in gate.ended


async def test_a_failure_stops_the_siblings_and_fails_the_run():
    # given
    gate = Gate()
    _, run = started(flow(tool("a", "end"), tool("bad", "end", name="Nope"), begin=["a", "bad"]), gate)
    # when
    standing = await run
    # then
    assert standing.status == "failed"
    assert standing.data["error"]["node_id"] == "bad"
    assert gate.ended == []


async def test_a_failure_may_go_on_at_another_node_which_sees_why():
    # given
    rescue = Node("rescue", "tool", {"tool": "Echo", "arguments": {"text": "{{ bad.error.code }}"}}, (Way("end"),))
    bad = tool("bad", "fine", name="Nope", on_error=OnError(target="rescue"))
    stage = Stage(flow(bad, tool("fine", "end"), rescue, begin=["bad"]), tools=[CountingTool("Echo"), Gate()])
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"]["text"] == "echo of tool_unknown"
    assert [entry.node_id for entry in stage.of_type("step.skipped")] == ["fine"]
    assert stage.of_type("step.failed")[0].data["next"] == ["rescue"]


async def test_a_failure_may_be_answered_by_a_default():
    bad = tool("bad", "end", name="Nope", on_error=OnError(default={"text": "nothing found"}))
    stage = Stage(flow(bad, begin=["bad"]), tools=[])
    assert (await stage.run()).data["output"] == {"text": "nothing found"}


async def test_a_node_for_errors_is_left_out_where_all_goes_well():
    good = tool("good", "end", name="Echo", on_error=OnError(target="rescue"))
    stage = Stage(flow(good, tool("rescue", "end"), begin=["good"]), tools=[CountingTool("Echo")])
    assert (await stage.run()).data["output"]["text"] == "echo of good"
    assert [entry.node_id for entry in stage.of_type("step.skipped")] == ["rescue"]


async def test_ways_that_hold_are_taken_and_what_is_behind_the_others_is_left_out():
    # given
    ways = (Way("yes", when="a.text == 'echo of a'"), Way("no", when="a.text == 'other'"), Way("rest", when="else"))
    a = Node("a", "tool", {"tool": "Echo", "arguments": {"text": "a"}}, ways)
    ends = [tool(name, "end", name="Echo") for name in ("yes", "beyond", "rest")]
    graph = flow(a, tool("no", "beyond", name="Echo"), *ends, begin=["a"])
    stage = Stage(graph, tools=[CountingTool("Echo")])
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"]["text"] == "echo of yes"
    assert sorted(str(entry.node_id) for entry in stage.of_type("step.skipped")) == ["beyond", "no", "rest"]
    assert next(entry for entry in stage.of_type("step.done") if entry.node_id == "a").data["next"] == ["yes"]


async def test_where_no_way_holds_the_step_fails_and_says_so():
    a = Node("a", "tool", {"tool": "Echo", "arguments": {"text": "a"}}, (Way("end", when="false"),))
    stage = Stage(flow(a, begin=["a"]), tools=[CountingTool("Echo")])
    standing = await stage.run()
    assert standing.data["error"]["code"] == "no_way_out"
    assert len(stage.tools[0].calls) == 1


async def test_a_run_whose_exit_cannot_be_reached_any_more_says_so():
    bad = tool("bad", "end", name="Nope", on_error=OnError(target="rescue"))
    graph = flow(bad, tool("rescue", "end", name="Echo"), begin=["bad"], join=2)
    standing = await Stage(graph, tools=[CountingTool("Echo")]).run()
    assert standing.data["error"]["code"] == "exit_not_reached"


@pytest.mark.parametrize("keeps_the_last", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 7))
async def test_a_crash_at_any_write_of_parallel_branches_changes_nothing_in_the_end(dies_at: int, keeps_the_last: bool):
    # given
    def stage() -> Stage:
        model = Node("m", "llm", {"prompt": "{{ a.text }} {{ b.text }}"}, (Way("end"),))
        nodes = [tool("a", "m", name="Echo"), tool("b", "m", name="Echo"), tool("c", "end", name="Echo")]
        graph = flow(*nodes, model, begin=["a", "b", "c"], settings={"output": "{{ m.text }} {{ c.text }}"})
        return Stage(graph, model=CountingModel(), tools=[CountingTool("Echo")])

    calm = stage()
    expected = (await calm.run()).data["output"]
    shaken = stage()
    shaken.journal.dies_at, shaken.journal.keeps_the_last = dies_at, keeps_the_last
    # when
    if dies_at <= calm.journal.appends:
        with pytest.raises(WorkerKilled):
            await shaken.run()
    standing = await shaken.run()
    # then
    assert standing.data["output"] == expected
    done = [entry.node_id for entry in shaken.of_type("step.done")]
    assert sorted(map(str, done)) == sorted(shaken.graph.nodes)


async def test_a_hundred_branches_share_few_commits():
    names = [f"n{number}" for number in range(98)]
    stage = Stage(flow(*(tool(name, "end", name="Echo") for name in names), begin=names), tools=[CountingTool("Echo")])
    standing = await stage.run()
    assert len(standing.data["output"]) == 98
    assert stage.journal.appends <= 6


async def test_choices_that_part_and_meet_again_are_looked_through_once(monkeypatch: pytest.MonkeyPatch):
    # given: twenty times two ways, all of choices, which makes a million paths back to the start
    looked: list[str] = []
    counted = JournalView._counted

    def counting(view: JournalView, node_id: str) -> list[str]:
        looked.append(node_id)
        assert len(looked) < 1_000, "the same nodes are looked through again and again"
        return counted(view, node_id)

    monkeypatch.setattr(JournalView, "_counted", counting)
    # when
    stage = Stage(flow(*_diamonds(20), begin=["c0"]), input="hello")
    standing = await stage.run()
    # then
    assert (standing.status, standing.data.get("output")) == ("succeeded", "hello")


def _diamonds(times: int) -> list[Node]:
    def choice(node_id: str, *targets: str) -> Node:
        return Node(node_id, "condition", {"expression": "true"}, tuple(Way(to, outcome="true") for to in targets))

    parts = [
        [choice(f"c{n}", f"a{n}", f"b{n}"), choice(f"a{n}", f"c{n + 1}"), choice(f"b{n}", f"c{n + 1}")]
        for n in range(times)
    ]
    return [*(node for part in parts for node in part), choice(f"c{times}", "end")]


async def test_ways_share_what_their_expressions_may_cost():
    # given: a way may look at two hundred thousand items, two ways may not
    looking = Way("end", when="contains(input, -1)")
    ways = (looking, looking, Way("end", when="true"))
    graph = FlowGraph.of("f", [Node("start", "entry", {}, ways), Node("end", "exit", {})])
    # when
    few, many = Stage(graph, input=[0] * 100_000), Stage(graph, input=[0] * 200_000)
    # then
    assert (await few.run()).status == "succeeded"
    assert (await many.run()).data["error"]["code"] == "expression_invalid"


async def test_a_run_that_computes_for_long_lets_others_go_on(monkeypatch: pytest.MonkeyPatch):
    # given: every step is held to have taken long
    monkeypatch.setattr(executor, "LONGEST_TURN_SECONDS", -1.0)
    _, run = started(flow(*_diamonds(5), begin=["c0"]))
    # when
    turns = 0
    while not run.done():
        await asyncio.sleep(0)
        turns += 1
    # then
    assert turns > 16
    assert (await run).status == "succeeded"
