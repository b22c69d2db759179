# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who holds a run: given over, taken over, and never written by two. A flow that changes changes no run."""

import asyncio

import pytest

from agents.engine.errors import LeaseLost
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Home, Stage
from tests.agents.engine.stage import CountingModel, WorkerKilled


@keeps("release and take over")
async def test_a_run_let_go_between_steps_goes_on_with_the_next_holder(stage: SetStage):
    # given
    gate = Gate()
    run = stage(flow(tool("a", "b", name="Gate"), tool("b", name="Gate")), tools=[gate])
    executor, going = await run.begin()
    await gate.until_called(1)
    # when
    executor.request_release()
    await gate.let("a", "b")
    # then
    assert (await going).status == "released"
    assert run.calls == ["a"]
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["a", "b"]
    assert [entry.data for entry in run.of_type("run.started")] == [
        {"epoch": 1, "resumed": False},
        {"epoch": 2, "resumed": True},
    ]


@keeps("release and take over")
async def test_who_is_hurried_leaves_a_model_to_the_next_holder_but_not_an_order(stage: SetStage):
    # given
    reading, posting = stage(flow(llm("a"))), stage(flow(tool("a", name="Post")))
    reading.model = CountingModel(hangs=True)
    gate = Gate("Post", reads_only=False)
    posting.tools = [gate]
    (first, asking), (second, ordering) = await reading.begin(), await posting.begin()
    await asyncio.gather(reading.model.was_asked.wait(), gate.until_called(1))
    # when
    first.request_release(is_hurried=True)
    second.request_release(is_hurried=True)
    # then
    assert (await asking).status == "released"
    assert not ordering.done()
    await gate.let("a")
    assert (await ordering).status == "released"
    reading.model.hangs = False
    assert [(await run.run()).status for run in (reading, posting)] == ["succeeded", "succeeded"]
    assert (len(reading.model.requests), posting.calls) == (2, ["a"])


@keeps("fence")
@pytest.mark.parametrize("is_finished", [False, True])
async def test_who_was_thought_dead_writes_nothing_more(stage: SetStage, is_finished: bool):
    # given: a holder that is slow, not dead
    run = stage(flow(llm("a", "b"), llm("b")), model=CountingModel(hangs=True))
    old, going = await run.begin()
    await run.model.was_asked.wait()
    # when another has taken the run, and may have ended it
    run.model.hangs = False
    new = await run.executor()
    if is_finished:
        assert (await new.advance()).status == "succeeded"
    written = run.entries
    old.request_cancel()
    # then
    with pytest.raises(LeaseLost):
        await going
    assert run.entries == written
    if not is_finished:
        assert (await new.advance()).status == "succeeded"
    assert run.types().count("run.finished") == 1


@keeps("dead workers")
async def test_entries_tell_their_holders_one_after_the_other(stage: SetStage):
    # given: three workers die, the one before and the others behind what they wrote
    run = stage(flow(*(tool(name, after) for name, after in zip("abcd", [*"bcd", "end"], strict=True))))
    for keeps_the_last in (False, True, True):
        run.fate.dies_at, run.fate.keeps_the_last = run.fate.appends + 1, keeps_the_last
        with pytest.raises(WorkerKilled):
            await run.run()
    # when
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    epochs = [entry.epoch for entry in run.entries]
    assert epochs == sorted(epochs)
    assert set(epochs) == {2, 3, 4}
    assert [entry.data["epoch"] for entry in run.of_type("run.started")] == [2, 3, 4]
    assert [entry.seq for entry in run.entries] == list(range(1, len(epochs) + 1))
    assert sorted(run.calls) == ["a", "b", "c", "d"]


@keeps("replay of a finished run")
@pytest.mark.parametrize("is_failed", [False, True])
async def test_a_finished_run_is_left_alone(stage: SetStage, is_failed: bool):
    # given
    run = stage(flow(llm("a", "b"), tool("b", name="Nope" if is_failed else "Echo")))
    first = await run.run()
    written, appends = run.entries, run.fate.appends
    # when it is taken up again, and somebody wants its end
    again = await run.executor()
    again.request_cancel()
    standing = await again.advance()
    # then
    assert standing.status == first.status == ("failed" if is_failed else "succeeded")
    assert standing.data == first.data
    assert (run.entries, run.fate.appends) == (written, appends)
    assert len(run.model.requests) == 1


@keeps("version pinning")
async def test_a_run_stays_on_the_flow_as_it_was_accepted(home: Home):
    # given
    await home.keep_flow(flow(llm("a", "b", prompt="old a"), llm("b", prompt="old b")))
    early = Stage(home, None)
    early.fate.dies_at, early.fate.keeps_the_last = 2, True
    with pytest.raises(WorkerKilled):
        await early.run()
    waiting = Stage(home, None)
    await waiting.accept()
    # when
    await home.keep_flow(flow(llm("b", prompt="new b")))
    late = Stage(home, None)
    # then
    outputs = [(await run.run()).data["output"] for run in (early, waiting, late)]
    assert outputs == ["[default] old b", "[default] old b", "[default] new b"]
    assert "a" not in late.nodes("step.done")
