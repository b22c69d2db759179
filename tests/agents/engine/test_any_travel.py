# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Any flow, travelled through: from any step, after any failure, and replayed however it went."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.errors import NothingToRetry
from agents.engine.executor import Standing
from agents.engine.graph import FlowGraph
from agents.engine.journeys import Journey
from tests.agents.engine.stage import Stage, WorkerKilled
from tests.agents.engine.test_any_flow import graphs
from tests.agents.engine.travelling import Traveller, calls, check_replay, journey, stage


async def _again_from(was: Stage, start: str) -> tuple[Traveller, Standing]:
    now = journey(was, Journey("rerun", start=start))
    return now, await now.run()


@settings(max_examples=60, deadline=None)
@given(graph=graphs(is_sure=True), choice=st.integers(0, 100))
def test_any_flow_done_again_from_any_step_comes_to_the_same(graph: FlowGraph, choice: int) -> None:
    # given
    was = stage(graph)
    first = asyncio.run(was.run())
    told = [str(e.node_id) for e in was.journal.entries if e.type in {"step.done", "step.failed"}]
    start = told[choice % len(told)]
    # when
    now, standing = asyncio.run(_again_from(was, start))
    # then
    assert (standing.status, standing.data["output"]) == (first.status, first.data["output"])
    behind = _behind(graph, start)
    assert {entry.node_id for entry in now.journal.entries if entry.is_kept}.isdisjoint(behind)
    assert set(calls(now)) == {text for text in calls(was) if text in behind}
    asyncio.run(check_replay(was))
    asyncio.run(check_replay(now))


@settings(max_examples=60, deadline=None)
@given(graph=graphs(is_sure=False), dies_at=st.integers(1, 12), keeps_the_last=st.booleans())
def test_any_run_however_it_went_is_replayed_to_the_byte(graph: FlowGraph, dies_at: int, keeps_the_last: bool) -> None:
    was = stage(graph)
    was.journal.dies_at, was.journal.keeps_the_last = dies_at, keeps_the_last
    for _ in range(2):
        try:
            asyncio.run(was.run())
        except WorkerKilled:
            continue
        break
    asyncio.run(check_replay(was))


@settings(max_examples=40, deadline=None)
@given(graph=graphs(is_sure=True), breaks=st.sets(st.sampled_from([f"n{n}" for n in range(7)]), min_size=1))
def test_any_run_that_failed_is_brought_to_its_end_by_a_retry(graph: FlowGraph, breaks: set[str]) -> None:
    was = stage(graph, breaks=sorted(breaks))
    if asyncio.run(was.run()).status == "succeeded":
        return
    asyncio.run(check_replay(was))
    try:
        now = journey(was, Journey("retry"))
    except NothingToRetry:
        return
    asyncio.run(now.run())
    done = {str(e.node_id) for e in was.journal.entries if e.type == "step.done"}
    assert done.isdisjoint(calls(now))
    asyncio.run(check_replay(now))


def _behind(graph: FlowGraph, start: str) -> set[str]:
    found, ahead = {start}, [start]
    while ahead:
        for target in graph.nodes[ahead.pop()].targets:
            if target not in found:
                found.add(target)
                ahead.append(target)
    return found
