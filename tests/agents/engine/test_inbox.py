# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people send a run: it becomes an entry once, whoever holds the run and however often it dies."""

import asyncio
from typing import Any

import pytest

from agents.engine.ports import InboxMessage
from tests.agents.engine.stage import CountingModel, CountingTool, Stage, WorkerKilled


def decision(decided: str, *, node_id: str = "tool_selector", number: int = 1, **more: Any) -> InboxMessage:
    return InboxMessage(f"m{number}", "decide", "Ada", {"node_id": node_id, "decision": decided, **more})


async def cut_short() -> Stage:
    """A run that waits: its worker died in the middle of a call that may not be repeated."""
    stage = Stage(tools=[CountingTool("WebSearch", reads_only=False, kills=True)])
    with pytest.raises(asyncio.CancelledError):
        await stage.run()
    assert (await stage.run()).status == "waiting"
    return stage


async def test_do_it_again_makes_the_effect_once_more_under_another_key():
    stage = await cut_short()
    stage.inbox.messages.append(decision("again"))
    assert (await stage.run()).status == "succeeded"
    (_, first), (_, second) = stage.tools[0].calls
    assert first != second
    (told,) = stage.of_type("approval.decided")
    assert told.data == {"decision": "again", "by": "Ada", "inbox": "m1"}


async def test_it_is_done_goes_on_with_what_the_person_says():
    stage = await cut_short()
    stage.inbox.messages.append(decision("done", result={"text": "found by hand"}))
    standing = await stage.run()
    assert standing.status == "succeeded"
    assert "found by hand" in standing.data["output"]
    assert len(stage.tools[0].calls) == 1


async def test_give_it_up_fails_the_step():
    stage = await cut_short()
    stage.inbox.messages.append(decision("fail"))
    standing = await stage.run()
    assert standing.data["error"] == {
        "code": "given_up",
        "message": "Ada decided that step 'tool_selector' is not to be done again.",
        "node_id": "tool_selector",
    }
    assert len(stage.tools[0].calls) == 1


async def test_a_message_is_taken_once_although_the_worker_dies_behind_it():
    # given
    stage = await cut_short()
    stage.inbox.messages.append(decision("again"))
    stage.tools[0].kills = True
    with pytest.raises(asyncio.CancelledError):
        await stage.run()
    # when
    standing = await stage.run()
    # then
    assert standing.status == "waiting"
    assert len(stage.tools[0].calls) == 2
    assert len(stage.of_type("approval.decided")) == 1


async def test_a_decision_about_a_step_that_does_not_wait_is_told_and_changes_nothing():
    stage = Stage()
    stage.inbox.messages.append(decision("fail"))
    assert (await stage.run()).status == "succeeded"
    assert "does not wait any more" in str(stage.of_type("note")[0].data["message"])


async def test_a_cancel_reaches_a_model_that_is_answering():
    # given
    stage = Stage(model=CountingModel(hangs=True))
    executor = stage.executor()
    run = asyncio.create_task(executor.advance())
    await stage.model.was_asked.wait()
    # when
    stage.inbox.messages.append(InboxMessage("c1", "cancel", "Ada", {}))
    executor.announce_post()
    standing = await run
    # then
    assert standing.status == "cancelled"
    assert standing.data["error"]["message"] == "The run was cancelled by Ada."
    (cut,) = stage.of_type("step.skipped")
    assert cut.data["reason"] == "cancelled"
    assert standing.data["usage"]["input_tokens"] > 0


async def test_a_waiting_run_is_cancelled_by_its_post():
    stage = await cut_short()
    stage.inbox.messages.append(InboxMessage("c1", "cancel", "Ada", {}))
    assert (await stage.run()).status == "cancelled"
    assert len(stage.tools[0].calls) == 1


async def test_a_cancelled_run_stays_cancelled_when_its_worker_dies_at_once():
    # given
    stage = Stage(tools=[CountingTool("WebSearch")])
    stage.inbox.messages.append(InboxMessage("c1", "cancel", "Ada", {}))
    stage.journal.dies_at, stage.journal.keeps_the_last = 1, True
    with pytest.raises(WorkerKilled):
        await stage.run()
    stage.inbox.messages.clear()
    # then
    assert (await stage.run()).status == "cancelled"
    assert stage.model.requests == []
