# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Killed workers: at every write and inside every kind of step, the run ends as if nothing had happened."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.engine.decide import Ended, decide
from agents.engine.errors import JournalDiverged
from agents.engine.journal import Entry
from agents.engine.view import JournalView
from tests.agents.engine.stage import CountingModel, CountingTool, Stage, StoppedClock, WorkerKilled, chain

APPENDS = 4


@pytest.mark.parametrize("keeps_the_last", [False, True])
@pytest.mark.parametrize("dies_at", range(1, APPENDS + 1))
async def test_a_crash_at_any_write_changes_nothing_in_the_end(dies_at: int, keeps_the_last: bool):
    # given
    calm = Stage()
    expected = await calm.run()
    assert calm.journal.appends == APPENDS
    stage = Stage()
    stage.journal.dies_at, stage.journal.keeps_the_last = dies_at, keeps_the_last
    # when
    with pytest.raises(WorkerKilled):
        await stage.run()
    standing = await stage.run()
    # then
    assert (standing.status, standing.data["output"]) == ("succeeded", expected.data["output"])
    effects = len(stage.model.requests) + len(stage.tools[0].calls)
    # The effect whose end was not durable is made again; no other.
    assert effects == 3 + (dies_at > 1 and not keeps_the_last)
    done = [entry.node_id for entry in stage.of_type("step.done")]
    assert sorted(done) == sorted(set(done))


async def test_a_cut_model_call_is_made_again_and_both_are_counted():
    # given
    stage = Stage(chain({"id": "a", "type": "llm", "prompt": "x" * 400}), model=CountingModel(hangs=True))
    run = asyncio.create_task(stage.run())
    await stage.model.was_asked.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    # when
    stage.model.hangs = False
    standing = await stage.run()
    # then
    assert len(stage.model.requests) == 2
    assert [entry.attempt for entry in stage.of_type("step.intended")] == [1, 2]
    assert standing.data["usage"] == {"input_tokens": 110, "output_tokens": 5, "cost_usd": 0.001}


async def test_a_cut_reading_tool_is_called_again_with_the_same_key():
    stage = Stage(tools=[CountingTool("WebSearch", kills=True)])
    with pytest.raises(asyncio.CancelledError):
        await stage.run()
    assert (await stage.run()).status == "succeeded"
    first, second = stage.tools[0].calls
    assert first == second


async def test_a_cut_effect_waits_for_a_person_and_is_never_guessed():
    # given
    stage = Stage(tools=[CountingTool("WebSearch", reads_only=False, kills=True)])
    with pytest.raises(asyncio.CancelledError):
        await stage.run()
    # when
    first, second = await stage.run(), await stage.run()
    # then
    assert first.status == second.status == "waiting"
    assert first.data["reason"] == "may_have_happened"
    assert "may have happened" in first.data["message"]
    assert len(stage.of_type("run.waiting")) == 1
    assert len(stage.tools[0].calls) == 1
    assert len(stage.model.requests) == 1


async def test_a_waiting_run_can_be_cancelled():
    stage = Stage(tools=[CountingTool("WebSearch", reads_only=False, kills=True)])
    with pytest.raises(asyncio.CancelledError):
        await stage.run()
    executor = stage.executor()
    executor.request_cancel()
    assert (await executor.advance()).status == "cancelled"


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, 11), crash=st.integers(0, APPENDS))
def test_the_same_journal_always_gives_the_same_decision(length: int, crash: int):
    # given
    stage = Stage()
    stage.journal.dies_at = crash or None
    if crash:
        with pytest.raises(WorkerKilled):
            asyncio.run(stage.run())
    asyncio.run(stage.run())
    entries = stage.journal.entries[:length]
    # when
    grown = JournalView(stage.graph)
    for entry in entries:
        grown.fold(entry)
        decide(stage.graph, grown)
    # then
    assert decide(stage.graph, grown) == decide(stage.graph, JournalView.of(Stage().graph, entries))


def test_a_journal_that_cannot_be_true_is_refused():
    # given
    def entry(seq: int, kind: str, node_id: str | None = None) -> Entry:
        return Entry(seq, kind, StoppedClock().now(), node_id, 1, 1, {})

    begun = [entry(1, "run.accepted"), entry(2, "run.started"), entry(3, "step.done", "start")]
    # then
    for wrong in (
        entry(5, "step.done", "planner"),
        entry(4, "step.done", "stranger"),
        entry(4, "step.done", "start"),
        entry(4, "step.intended", "start"),
        entry(4, "step.done"),
    ):
        with pytest.raises(JournalDiverged):
            JournalView.of(Stage().graph, [*begun, wrong])


async def test_types_of_a_later_version_are_passed_over():
    stage = Stage()
    await stage.run()
    begun = stage.journal.entries[:3]
    later = Entry(4, "step.dreamt", begun[0].at, "planner", 1, 1, {})  # type: ignore[arg-type]
    view = JournalView.of(stage.graph, [*begun, later])
    assert list(view.ready) == ["planner"]
    assert isinstance(decide(stage.graph, JournalView.of(stage.graph, stage.journal.entries)), Ended)
