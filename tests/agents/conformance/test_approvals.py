# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""People who are asked, and who pause: a run waits without holding anybody, and goes on where it stood."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Gate, approval, flow, llm, tool
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.engine.stage import WorkerKilled

WAYS = {"approve": "yes", "reject": "no"}


def asking(**more: Any) -> dict[str, Any]:
    """A model writes, a person is asked, and by the answer one of two tools is called."""
    yes = {**tool("yes"), "arguments": {"text": "yes {{ ask.form.amount ?? 0 }}"}}
    return flow(llm("draft", "ask"), approval("ask", {**WAYS, **more.pop("ways", {})}, **more), yes, tool("no"))


async def asked(run: Stage) -> Stage:
    """The run, waiting for its answer."""
    standing = await run.run()
    assert (standing.status, standing.data["reason"]) == ("waiting", "approval")
    return run


@keeps("approval")
@pytest.mark.parametrize(("decision", "called"), [("approve", "yes 7"), ("reject", "no")])
async def test_the_answer_chooses_the_way_and_its_form_is_the_result(stage: SetStage, decision: str, called: str):
    # given
    run = await asked(stage(asking(form={"type": "object", "properties": {"amount": {"type": "integer"}}})))
    # when
    await run.send("decide", node_id="ask", decision=decision, form={"amount": 7})
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert run.calls == [called]
    (done,) = [entry for entry in run.of_type("step.done") if entry.node_id == "ask"]
    assert done.data["result"] == {"decision": decision, "form": {"amount": 7}, "by": run.home.who}
    assert len(run.model.requests) == 1, "what was done before is not done again"


@keeps("approval")
async def test_what_people_see_stands_in_the_journal_and_being_looked_at_changes_nothing(stage: SetStage):
    # given
    run = await asked(stage(asking(title="May we, {{ input }}?", show={"draft": "{{ draft.text }}"}), "Ada"))
    written = len(run.of_type("run.waiting"))
    # when
    again = await run.run()
    # then
    assert (again.status, written, len(run.of_type("run.waiting"))) == ("waiting", 1, 1)
    assert again.data["title"] == "May we, Ada?"
    assert again.data["show"] == {"draft": "[default] draft"}


@keeps("approval", "decision taken twice")
async def test_of_two_answers_from_two_windows_the_first_counts_and_the_other_is_told(stage: SetStage):
    run = await asked(stage(asking()))
    await run.send("decide", node_id="ask", decision="approve")
    await run.send("decide", node_id="ask", decision="reject")
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["yes 0"]
    assert [entry.data["decision"] for entry in run.of_type("approval.decided")] == ["approve"]
    assert str(run.of_type("note")[-1].data["message"]).endswith("but it does not wait any more.")


@keeps("approval")
@pytest.mark.parametrize("decision", ["again", "done", "fail", "perhaps"])
async def test_what_is_no_answer_to_a_question_leaves_it_open(stage: SetStage, decision: str):
    run = await asked(stage(asking()))
    await run.send("decide", node_id="ask", decision=decision, result="yes")
    assert (await run.run()).status == "waiting"
    assert run.of_type("approval.decided") == []


@keeps("approval", "a message is taken once")
@pytest.mark.parametrize("keeps_the_last", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2])
async def test_an_answer_is_taken_once_although_workers_die_around_it(
    stage: SetStage, dies_at: int, keeps_the_last: bool
):
    # given
    run = await asked(stage(asking()))
    await run.send("decide", node_id="ask", decision="approve")
    run.fate.dies_at, run.fate.keeps_the_last = run.fate.appends + dies_at, keeps_the_last
    # when
    with pytest.raises(WorkerKilled):
        await run.run()
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert len(run.of_type("approval.decided")) == 1
    assert len(run.model.requests) == 1
    assert set(run.calls) == {"yes 0"}


@keeps("approval: timeout branch")
async def test_where_nobody_answers_in_time_the_way_for_that_is_taken(stage: SetStage):
    # given
    run = await asked(stage(asking(timeout_seconds=3600, ways={"timeout": "no"})))
    run.clock.moment += timedelta(minutes=59)
    assert (await run.run()).status == "waiting"
    # when
    run.clock.moment += timedelta(minutes=2)
    standing = await run.run()
    # then
    assert standing.status == "succeeded"
    assert run.calls == ["no"]
    (told,) = run.of_type("approval.decided")
    assert (told.data["decision"], told.data["by"]) == ("timeout", "nobody")
    # Whoever answers now is told that it is over.
    assert len(run.model.requests) == 1


@keeps("approval: timeout branch")
async def test_without_a_way_for_it_nobodys_answer_fails_by_name(stage: SetStage):
    run = await asked(stage(asking(timeout_seconds=60)))
    run.clock.moment += timedelta(minutes=2)
    standing = await run.run()
    assert (standing.status, standing.data["error"]["code"]) == ("failed", "nobody_answered")
    assert run.calls == []


@keeps("several approvals at once")
async def test_several_questions_are_answered_one_by_one_and_hold_up_only_what_needs_them(stage: SetStage):
    # given
    first, second = approval("first", {"approve": "a"}), approval("second", {"approve": "b"})
    run = stage(flow(first, second, tool("a"), tool("b"), tool("c"), first=["first", "second", "c"]))
    await asked(run)
    assert run.calls == ["c"]
    assert sorted(run.nodes("run.waiting")) == ["first", "second"]
    # when
    await run.send("decide", node_id="second", decision="approve")
    assert (await run.run()).status == "waiting"
    # then
    assert run.calls == ["c", "b"]
    await run.send("decide", node_id="first", decision="approve")
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["c", "b", "a"]
    assert sorted(run.nodes("run.waiting")) == ["first", "second"], "each is asked once"


@keeps("several approvals at once")
async def test_two_answers_that_come_together_are_both_taken(stage: SetStage):
    first, second = approval("first", {"approve": "a"}), approval("second", {"approve": "a", "reject": "b"})
    run = await asked(stage(flow(first, second, tool("a"), tool("b"), first=["first", "second"])))
    await run.send("decide", node_id="first", decision="approve")
    await run.send("decide", node_id="second", decision="reject")
    assert (await run.run()).status == "succeeded"
    assert sorted(run.calls) == ["a", "b"]


@keeps("approval", "cancel")
async def test_a_run_that_waits_for_an_answer_is_cancelled(stage: SetStage):
    run = await asked(stage(asking()))
    await run.send("cancel")
    assert (await run.run()).status == "cancelled"
    assert run.calls == []


@keeps("pause and resume")
async def test_a_paused_run_lets_end_what_is_under_way_and_begins_nothing(stage: SetStage):
    # given
    gate = Gate()
    run = stage(flow(tool("a", "b", name="Gate"), tool("b", name="Gate")), tools=[gate])
    executor, going = await run.begin()
    await gate.until_called(1)
    # when
    await run.send("pause")
    executor.announce_post()
    await run.until_told("note", "None")
    assert not going.done()
    await gate.let("a", "b")
    standing = await going
    # then
    assert (standing.status, standing.data["reason"]) == ("waiting", "paused")
    assert run.calls == ["a"]
    assert run.nodes("step.done") == ["start", "a"]
    assert (await run.run()).status == "waiting"
    await run.send("resume")
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["a", "b"]


@keeps("pause and resume")
@pytest.mark.parametrize("keeps_the_last", [False, True])
async def test_a_paused_run_stays_paused_when_its_worker_dies(stage: SetStage, keeps_the_last: bool):
    # given
    run = stage(flow(tool("a")))
    await run.send("pause")
    run.fate.dies_at, run.fate.keeps_the_last = 1, keeps_the_last
    with pytest.raises(WorkerKilled):
        await run.run()
    # then
    assert (await run.run()).status == "waiting"
    assert run.calls == []
    await run.send("resume")
    assert (await run.run()).status == "succeeded"


@keeps("pause and resume", "approval")
async def test_an_answer_given_during_a_pause_counts_once_it_is_over(stage: SetStage):
    # given
    run = await asked(stage(asking()))
    await run.send("pause")
    await run.send("decide", node_id="ask", decision="approve")
    assert (await run.run()).data["reason"] == "paused"
    assert run.calls == []
    # when
    await run.send("resume")
    # then
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["yes 0"]


@keeps("pause and resume", "cancel")
async def test_a_paused_run_is_cancelled(stage: SetStage):
    run = stage(flow(tool("a")))
    for kind in ("pause", "cancel"):
        await run.send(kind)
    assert (await asyncio.wait_for(run.run(), 20)).status == "cancelled"
    assert run.calls == []
