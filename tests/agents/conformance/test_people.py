# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people want of a run: its end, or what is to become of a step that may have happened."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.engine.stage import CountingModel, CountingTool, WorkerKilled

ORDER = flow(llm("a", "post"), tool("post", "b", name="Post"), llm("b", prompt="{{ post.text }}"))
"""A model, then an order that may not be placed twice, then a model."""


async def cut_short(stage: SetStage) -> Stage:
    """A run that waits: its worker died in the middle of placing the order."""
    run = stage(ORDER, tools=[CountingTool("Post", reads_only=False, kills=True)])
    with pytest.raises(asyncio.CancelledError):
        await run.run()
    assert (await run.run()).status == "waiting"
    return run


@keeps("may have happened")
async def test_an_order_that_was_cut_off_waits_for_a_person_and_is_never_guessed(stage: SetStage):
    # given
    run = await cut_short(stage)
    # when it is looked at again, it waits on
    standing = await run.run()
    # then
    assert standing.status == "waiting"
    assert standing.data["reason"] == "may_have_happened"
    assert "may have happened" in standing.data["message"]
    assert run.nodes("run.waiting") == ["post"]
    assert run.calls == ["post"]
    assert len(run.model.requests) == 1


@keeps("decision")
async def test_do_it_again_places_the_order_once_more_under_another_key(stage: SetStage):
    run = await cut_short(stage)
    await run.send("decide", node_id="post", decision="again")
    assert (await run.run()).status == "succeeded"
    first, second = run.keys
    assert first != second
    (told,) = run.of_type("approval.decided")
    assert (told.node_id, told.data["decision"], told.data["by"]) == ("post", "again", run.home.who)


@keeps("decision")
async def test_it_is_done_goes_on_with_what_the_person_says(stage: SetStage):
    run = await cut_short(stage)
    await run.send("decide", node_id="post", decision="done", result={"text": "placed by phone"})
    standing = await run.run()
    assert "placed by phone" in standing.data["output"]
    assert run.calls == ["post"]
    assert len(run.model.requests) == 2


@keeps("decision")
async def test_give_it_up_fails_the_step(stage: SetStage):
    run = await cut_short(stage)
    await run.send("decide", node_id="post", decision="fail")
    standing = await run.run()
    assert standing.data["error"] == {
        "code": "given_up",
        "message": f"{run.home.who} decided that step 'post' is not to be done again.",
        "node_id": "post",
    }
    assert run.calls == ["post"]


@keeps("decision taken twice")
@pytest.mark.parametrize("others", [["fail"], ["again"], ["done", "again"]])
async def test_of_two_decisions_the_first_counts_and_the_other_is_told(stage: SetStage, others: Sequence[str]):
    # given: two windows, and nobody who keeps the second from answering
    run = await cut_short(stage)
    await run.send("decide", node_id="post", decision="done", result={"text": "placed"})
    for decision in others:
        await run.send("decide", node_id="post", decision=decision, result={"text": "placed twice"})
    # when
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert "placed twice" not in standing.data["output"]
    assert run.calls == ["post"]
    assert [entry.data["decision"] for entry in run.of_type("approval.decided")] == ["done"]
    assert str(run.of_type("note")[-1].data["message"]).endswith("but it does not wait any more.")


@keeps("a message is taken once")
@pytest.mark.parametrize("keeps_the_last", [False, True])
@pytest.mark.parametrize("decision", ["again", "done", "fail"])
async def test_a_message_is_taken_once_although_its_taker_dies(stage: SetStage, decision: str, keeps_the_last: bool):
    # given
    run = await cut_short(stage)
    await run.send("decide", node_id="post", decision=decision, result={"text": "placed"})
    run.fate.dies_at, run.fate.keeps_the_last = run.fate.appends + 1, keeps_the_last
    with pytest.raises(WorkerKilled):
        await run.run()
    # when
    standing = await run.run()
    # then: who died behind the intent may have placed the order once more, so that is asked again
    ends = {"again": "waiting" if keeps_the_last else "succeeded", "done": "succeeded", "fail": "failed"}
    assert standing.status == ends[decision]
    assert len(run.of_type("approval.decided")) == 1
    assert len(run.calls) == (2 if decision == "again" and not keeps_the_last else 1)


@keeps("cancel")
async def test_cancelling_stops_what_is_under_way_and_starts_nothing_more(stage: SetStage):
    # given: a model that answers, beside a tool that reads
    gate = Gate()
    run = stage(
        flow(llm("model", "c"), tool("b", name="Gate"), tool("c", name="Gate"), first=["model", "b"]), tools=[gate]
    )
    run.model = CountingModel(hangs=True)
    executor, going = await run.begin()
    await asyncio.gather(run.model.was_asked.wait(), gate.until_called(1))
    # when
    await run.send("cancel")
    executor.announce_post()
    standing = await going
    # then
    assert standing.status == "cancelled"
    assert standing.data["error"]["message"] == f"The run was cancelled by {run.home.who}."
    assert sorted((entry.node_id, entry.data["reason"]) for entry in run.of_type("step.skipped")) == [
        ("b", "cancelled"),
        ("model", "cancelled"),
    ]
    assert (run.calls, gate.ended) == (["b"], [])
    assert standing.data["usage"]["input_tokens"] > 0
    assert (await run.run()).status == "cancelled"


@keeps("cancel", "drain")
async def test_cancelling_lets_an_order_end_and_records_what_came_of_it(stage: SetStage):
    # given
    gate = Gate("Post", reads_only=False)
    run = stage(flow(tool("post", "after", name="Post"), tool("after", name="Post")), tools=[gate])
    executor, going = await run.begin()
    await gate.until_called(1)
    # when
    await run.send("cancel")
    executor.announce_post()
    await run.until_told("note", "None")
    assert not going.done()
    await gate.let("post", "after")
    # then
    assert (await going).status == "cancelled"
    assert run.calls == ["post"]
    assert run.nodes("step.done") == ["start", "post"]


@keeps("drain")
async def test_what_is_not_needed_any_more_and_may_not_be_cut_off_is_let_end(stage: SetStage):
    # given
    gate = Gate("Post", reads_only=False)
    ways = [tool("a", name="Post"), tool("b", name="Post")]
    run = stage(flow(*ways, first=["a", "b"], end={"join": "any"}), tools=[gate])
    _, going = await run.begin()
    await gate.until_called(2)
    # when
    await gate.let("b")
    await run.until_told("step.done", "b")
    assert not going.done()
    await gate.let("a")
    # then
    assert (await going).data["output"] == {"text": "through b"}
    assert run.nodes("step.done") == ["start", "b", "end", "a"]


@keeps("cancel")
@pytest.mark.parametrize("keeps_the_last", [False, True])
async def test_a_cancelled_run_stays_cancelled_when_its_worker_dies_at_once(stage: SetStage, keeps_the_last: bool):
    # given
    run = stage(flow(tool("a")))
    await run.send("cancel")
    run.fate.dies_at, run.fate.keeps_the_last = 1, keeps_the_last
    with pytest.raises(WorkerKilled):
        await run.run()
    # then
    assert (await run.run()).status == "cancelled"
    assert run.calls == []
    assert len(run.of_type("note")) == 1


@keeps("cancel", "may have happened")
async def test_a_run_that_waits_is_cancelled(stage: SetStage):
    run = await cut_short(stage)
    await run.send("cancel")
    assert (await run.run()).status == "cancelled"
    assert run.calls == ["post"]


@keeps("decision")
async def test_a_decision_about_a_step_that_does_not_wait_changes_nothing(stage: SetStage):
    run = stage(flow(tool("a")))
    told: list[dict[str, Any]] = [{"node_id": "a"}, {"node_id": "nobody"}, {}]
    for about in told:
        await run.send("decide", decision="fail", **about)
    assert (await run.run()).status == "succeeded"
    assert len(run.of_type("note")) == len(told)
