# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Parallel branches and joins, ways that are not taken, and failures that a flow deals with."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from agents.engine import executor
from agents.engine.graph import FlowGraph, Node, OnError, Way
from agents.engine.lanes import Lane
from tests.agents.engine.stage import CountingTool, Stage


def tool(node_id: str, *targets: str, name: str = "Echo", **more: Any) -> Node:
    settings = {"tool": name, "arguments": {"text": node_id}}
    return Node(node_id, "tool", settings, tuple(Way(target) for target in targets), **more)


def flow(*nodes: Node, begin: Sequence[str], **exit_settings: Any) -> FlowGraph:
    start = Node("start", "entry", {}, tuple(Way(target) for target in begin))
    end = Node("end", "exit", dict(exit_settings.pop("settings", {})), **exit_settings)
    return FlowGraph.of("branches", [start, *nodes, end])


def started(graph: FlowGraph, *tools: CountingTool) -> tuple[Stage, "asyncio.Task[Any]"]:
    stage = Stage(graph, tools=tools)
    return stage, asyncio.create_task(stage.run())


async def test_ways_that_hold_are_taken_and_what_is_behind_the_others_is_left_out():
    # given
    ways = (Way("yes", when="a.text == 'echo of a'"), Way("no", when="a.text == 'other'"), Way("rest", when="else"))
    a = Node("a", "tool", {"tool": "Echo", "arguments": {"text": "a"}}, ways)
    ends = [tool(name, "end") for name in ("yes", "beyond", "rest")]
    graph = flow(a, tool("no", "beyond"), *ends, begin=["a"])
    stage = Stage(graph, tools=[CountingTool("Echo")])
    # when
    standing = await stage.run()
    # then
    assert standing.data["output"]["text"] == "echo of yes"
    assert sorted(str(entry.node_id) for entry in stage.of_type("step.skipped")) == ["beyond", "no", "rest"]
    assert next(entry for entry in stage.of_type("step.done") if entry.node_id == "a").data["next"] == ["yes"]


async def test_a_run_whose_exit_cannot_be_reached_any_more_says_so():
    bad = tool("bad", "end", name="Nope", on_error=OnError(target="rescue"))
    graph = flow(bad, tool("rescue", "end"), begin=["bad"], join=2)
    standing = await Stage(graph, tools=[CountingTool("Echo")]).run()
    assert standing.data["error"]["code"] == "exit_not_reached"


async def test_a_hundred_branches_share_few_commits():
    names = [f"n{number}" for number in range(98)]
    stage = Stage(flow(*(tool(name, "end") for name in names), begin=names), tools=[CountingTool("Echo")])
    standing = await stage.run()
    assert len(standing.data["output"]) == 98
    assert stage.journal.appends <= 6


async def test_choices_that_part_and_meet_again_are_looked_through_once(monkeypatch: pytest.MonkeyPatch):
    # given: twenty times two ways, all of choices, which makes a million paths back to the start
    looked: list[str] = []
    counted = Lane._counted

    def counting(lane: Lane, node_id: str) -> list[str]:
        looked.append(node_id)
        assert len(looked) < 1_000, "the same nodes are looked through again and again"
        return counted(lane, node_id)

    monkeypatch.setattr(Lane, "_counted", counting)
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
