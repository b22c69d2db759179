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
NOW = StoppedClock().now()


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
        decide(stage.graph, grown, NOW)
    # then
    assert decide(stage.graph, grown, NOW) == decide(stage.graph, JournalView.of(Stage().graph, entries), NOW)


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
    assert isinstance(decide(stage.graph, JournalView.of(stage.graph, stage.journal.entries), NOW), Ended)
