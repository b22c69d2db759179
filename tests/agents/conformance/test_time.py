# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What time alone brings about: rests that end, and steps and runs that take too long."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from agents.engine.executor import SHORT_PAUSE
from tests.agents.conformance.conftest import Ground, SetStage
from tests.agents.conformance.flows import Gate, Shaky, approval, flow, llm, mapped, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.engine.stage import CountingModel, CountingTool, WorkerKilled

MINUTE = timedelta(minutes=1)


@keeps("retry: jitter")
async def test_rests_are_shortened_by_another_share_each_time_and_in_each_run(stage: SetStage):
    # given
    retry = {"attempts": 5, "backoff_seconds": 10, "max_backoff_seconds": 10, "jitter": 0.5}
    document = flow(tool("a", name="Shaky", retry=retry))
    runs = [stage(document, tools=[Shaky(away_times=4)]) for _ in range(3)]
    # when
    for run in runs:
        await run.run()
    # then
    rests = [entry.data["after_seconds"] for run in runs for entry in run.of_type("step.retry")]
    assert len(rests) == len(set(rests)) == 12
    assert all(5 <= rest <= 10 for rest in rests)


@keeps("retry: which errors")
@pytest.mark.parametrize(("codes", "calls"), [(["conflict"], 3), (["unavailable"], 1)])
async def test_only_the_errors_that_are_named_are_tried_again(stage: SetStage, codes: list[str], calls: int):
    # given: one that would not be tried again by itself
    retry = {"attempts": 3, "backoff_seconds": 0, "on": codes}
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[Shaky(is_broken=True)])
    # when
    standing = await run.run()
    # then
    assert standing.data["error"]["code"] == "conflict"
    assert run.calls == ["a"] * calls


@keeps("retry: attempts are durable")
@pytest.mark.parametrize("keeps_the_last", [False, True])
async def test_an_attempt_that_a_crash_cut_off_is_no_failure(stage: SetStage, keeps_the_last: bool):
    # given: two attempts are allowed, the worker dies around the end of the first, and the second fails
    retry = {"attempts": 2, "backoff_seconds": 8, "jitter": 0}
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[Shaky(away_times=2 if not keeps_the_last else 1)])
    run.fate.dies_at, run.fate.keeps_the_last = 2, keeps_the_last
    with pytest.raises(WorkerKilled):
        await run.run()
    # when
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert [entry.data["after_seconds"] for entry in run.of_type("step.retry")] == [8]


@keeps("rest survives a crash")
async def test_a_rest_is_counted_from_the_failure_and_not_from_the_crash(stage: SetStage):
    # given
    retry = {"attempts": 2, "backoff_seconds": 20, "jitter": 0}
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[Shaky(away_times=1)])
    run.fate.dies_at, run.fate.keeps_the_last = 2, True
    with pytest.raises(WorkerKilled):
        await run.run()
    assert (run.types()[-1], run.clock.slept) == ("step.retry", [])
    # when: nobody has the run for 15 s
    run.clock.moment += timedelta(seconds=15)
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert run.clock.slept == [5]


@keeps("long rest")
async def test_a_run_is_let_go_for_a_long_rest_and_goes_on_behind_it(stage: SetStage):
    # given
    retry = {"attempts": 2, "backoff_seconds": 600, "max_backoff_seconds": 600, "jitter": 0}
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[Shaky(away_times=1)])
    # when
    resting = await run.run()
    early = await run.run()
    run.clock.moment += 10 * MINUTE - SHORT_PAUSE
    # then
    assert [(one.status, one.data["reason"]) for one in (resting, early)] == [("waiting", "resting")] * 2
    assert run.calls == ["a"]
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["a", "a"]
    assert run.clock.slept == [SHORT_PAUSE.total_seconds()]


@keeps("long rest")
async def test_who_rests_for_long_is_taken_by_nobody_before_its_time(stage: SetStage, ground_of_home: Ground | None):
    # given: in memory nobody looks for runs
    retry = {"attempts": 2, "backoff_seconds": 600, "max_backoff_seconds": 600, "jitter": 0}
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[Shaky(away_times=1)])
    assert (await run.run()).status == "waiting"
    if ground_of_home is None:
        return
    _, truth = ground_of_home
    run_id = await run.accept()
    told = truth.execute("select status, wake_at, claimed_until from agents_run where id = %s", [run_id]).fetchone()
    assert told == ("waiting", run.of_type("step.retry")[0].at + 10 * MINUTE, None)
    # when
    taken = []
    for minutes in (1, 0):
        truth.execute("update agents_run set wake_at = now() + %s where id = %s", [minutes * MINUTE, run_id])
        taken.append(await run.home.look())  # type: ignore[attr-defined]
    # then
    assert taken == [[], [run_id]]


@keeps("timeout of a run")
async def test_a_run_that_takes_too_long_is_ended_and_what_is_under_way_is_cut(stage: SetStage):
    # given
    gate = Gate()
    document = {**flow(tool("a", "b", name="Gate"), tool("b", name="Gate")), "limits": {"seconds": 60}}
    run = stage(document, tools=[gate])
    # when
    standing = await run.run()
    # then
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "run_timed_out")
    assert "60 seconds" in standing.data["error"]["message"]
    assert [(entry.node_id, entry.data["reason"]) for entry in run.of_type("step.skipped")] == [("a", "failed")]
    assert (run.calls, gate.ended) == (["a"], [])


@keeps("timeout of a run")
async def test_the_time_of_a_run_goes_on_while_it_waits_and_while_nobody_has_it(stage: SetStage):
    # given
    run = stage({**flow(approval("ask", {"approve": "a"}), tool("a")), "limits": {"seconds": 600}})
    assert (await run.run()).status == "waiting"
    # when
    run.clock.moment += 9 * MINUTE
    assert (await run.run()).status == "waiting"
    run.clock.moment += 2 * MINUTE
    standing = await run.run()
    # then
    assert standing.data["error"]["code"] == "run_timed_out"
    assert run.calls == []


@keeps("timeout of a run")
async def test_a_run_that_was_in_time_is_not_ended_by_its_limit(stage: SetStage):
    run = stage({**flow(tool("a", "b"), tool("b")), "limits": {"seconds": 3600}})
    run.clock.sleep = never  # type: ignore[method-assign]
    assert (await run.run()).status == "succeeded"


async def never(seconds: float) -> None:
    """A clock on which nobody waits so long."""
    await asyncio.Event().wait()


@keeps("idle timeout")
async def test_a_model_that_falls_silent_is_cut_off_and_may_be_asked_again(stage: SetStage):
    # given
    node = llm("a", idle_seconds=0.1, retry={"attempts": 2, "backoff_seconds": 0})
    run = stage(flow(node), model=CountingModel(hangs=True))
    # when
    standing = await run.run()
    # then
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "step_idle")
    assert len(run.model.requests) == 2
    assert [entry.data["error"]["code"] for entry in run.of_type("step.retry")] == ["step_idle"]


@keeps("timeout of a node that holds lanes")
@pytest.mark.parametrize("more", [{}, {"on_error": {"default": "late"}}], ids=["fails", "default"])
async def test_a_map_that_takes_too_long_ends_with_all_its_items(stage: SetStage, more: dict[str, Any]):
    # given
    gate = Gate()
    each = mapped("each", tool("say", name="Gate"), over=[1, 2, 3], timeout_seconds=60, **more)
    run = stage(flow({**each, "next": "after"}, tool("after")), tools=[gate, CountingTool()])
    # when
    standing = await run.run()
    # then
    (failed,) = run.of_type("step.failed")
    assert (failed.node_id, failed.data["error"]["code"]) == ("each", "step_timed_out")
    cut = [(entry.node_id, entry.data["reason"]) for entry in run.of_type("step.skipped")]
    assert sorted(cut) == [(f"each[{index}]/say", "not_needed") for index in range(3)]
    assert gate.ended == []
    assert standing.status == ("succeeded" if more else "failed")
    assert run.calls.count("after") == len(more)


@keeps("rest survives a crash")
async def test_every_failure_doubles_the_rest_whoever_had_the_run(stage: SetStage):
    # given: a worker dies behind every failure
    retry = {"attempts": 4, "backoff_seconds": 2, "max_backoff_seconds": 60, "jitter": 0}
    run = stage(flow(tool("a", name="Shaky", retry=retry)), tools=[Shaky(away_times=3)])
    for _ in range(3):
        run.fate.dies_at, run.fate.keeps_the_last = run.fate.appends + 2, True
        with pytest.raises(WorkerKilled):
            await run.run()
    # when
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    rests = [entry.data["after_seconds"] for entry in run.of_type("step.retry")]
    assert all(later == 2 * earlier for earlier, later in pairwise(rests))
    assert rests[0] == 2
