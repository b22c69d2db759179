# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Any flow without circles, killed at any write: every node is told once, and the end is the same."""

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.executor import Standing
from agents.engine.graph import FlowGraph, Node, OnError, Way
from tests.agents.engine.stage import CountingTool, Stage, WorkerKilled


@st.composite
def graphs(draw: st.DrawFn, *, is_sure: bool) -> FlowGraph:
    """A flow of tools in which every node leads on; ``is_sure`` leaves out joins that depend on who is first."""
    count = draw(st.integers(1, 7))
    names = [f"n{number}" for number in range(count)]
    nodes = [_node(draw, number, names=names, is_sure=is_sure) for number in range(count)]
    reached = {way.target for node in nodes for way in node.ways} | {
        node.on_error.target for node in nodes if node.on_error
    }
    first = [name for name in names if name not in reached]
    start = Node("start", "entry", {}, tuple(Way(name) for name in first))
    return FlowGraph.of("any", [start, *nodes, Node("end", "exit", {"output": "{{ steps }}"})])


def _node(draw: st.DrawFn, number: int, *, names: list[str], is_sure: bool) -> Node:
    later = [*names[number + 1 :], "end"]
    targets = draw(st.lists(st.sampled_from(later), min_size=1, max_size=3, unique=True))
    whens = [draw(st.sampled_from([None, None, "true", "false"])) for _ in targets[1:]]
    ways = tuple(Way(target, when=when) for target, when in zip(targets, [None, *whens], strict=True))
    fails = draw(st.integers(0, 4)) == 0
    rescue = draw(st.sampled_from(later))
    return Node(
        names[number],
        "tool",
        {"tool": "Nope" if fails else "Echo", "arguments": {"text": names[number]}},
        ways,
        join="all" if is_sure else draw(st.sampled_from(["all", "any"])),
        on_error=OnError(target=rescue) if fails or draw(st.booleans()) else None,
    )


def run_all(stage: Stage) -> Standing:
    for _attempt in range(3):
        with suppress(WorkerKilled):
            return asyncio.run(stage.run())
    raise AssertionError("the worker was killed more often than it was told to be")


def check_told_once(stage: Stage) -> None:
    told = [str(e.node_id) for e in stage.journal.entries if e.type in {"step.done", "step.failed", "step.skipped"}]
    assert len(told) == len(set(told))
    assert [entry.seq for entry in stage.journal.entries] == list(range(1, len(stage.journal.entries) + 1))
    assert [entry.type for entry in stage.journal.entries].count("run.finished") == 1


@settings(max_examples=60, deadline=None)
@given(graph=graphs(is_sure=True), dies_at=st.integers(1, 12), keeps_the_last=st.booleans())
def test_a_crash_changes_nothing_in_the_end(graph: FlowGraph, dies_at: int, keeps_the_last: bool) -> None:
    # given
    calm = Stage(graph, tools=[CountingTool("Echo")])
    expected = run_all(calm)
    # when
    shaken = Stage(graph, tools=[CountingTool("Echo")])
    shaken.journal.dies_at, shaken.journal.keeps_the_last = dies_at, keeps_the_last
    standing = run_all(shaken)
    # then
    assert (standing.status, standing.data["output"]) == (expected.status, expected.data["output"])
    check_told_once(calm)
    check_told_once(shaken)
    # What was durable as done is not made again; what was under way, once more at most.
    calls = [key for _, key in shaken.tools[0].calls]
    assert all(calls.count(key) <= 2 for key in calls)
    if standing.status == "succeeded":
        assert {str(e.node_id) for e in shaken.journal.entries if e.node_id} == set(graph.nodes)


@settings(max_examples=60, deadline=None)
@given(graph=graphs(is_sure=False), dies_at=st.integers(1, 12), keeps_the_last=st.booleans())
def test_a_flow_that_goes_on_with_the_first_always_comes_to_an_end(
    graph: FlowGraph, dies_at: int, keeps_the_last: bool
) -> None:
    stage = Stage(graph, tools=[CountingTool("Echo")])
    stage.journal.dies_at, stage.journal.keeps_the_last = dies_at, keeps_the_last
    standing = run_all(stage)
    assert standing.status in {"succeeded", "failed"}
    assert standing.data.get("error", {}).get("code") in {None, "exit_not_reached"}
    check_told_once(stage)
