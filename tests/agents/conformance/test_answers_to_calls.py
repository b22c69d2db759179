# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people say to calls that wait: rejected, too late, two of them, several at once, in the middle of rounds."""

from datetime import timedelta

import pytest

from agents.engine.gate import ALLOWED, Decision
from codexos.kernel.chat import ChatRequest
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import flow, mapped, tool
from tests.agents.conformance.gates import Ruled, StillClock, asks
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.test_calls import asked, failed, sending
from tests.agents.engine.scripts import CallingModel, Said, round_of
from tests.agents.engine.stage import WorkerKilled


@keeps("call rejected")
async def test_a_rejection_fails_the_step_with_the_note_and_the_flow_may_deal_with_it(stage: SetStage):
    run = stage(flow(tool("send", on_error="instead"), tool("instead")))
    run.gate = Ruled(lambda call: Decision("ask", policy="p1") if call.node_id == "send" else ALLOWED)
    told = await asked(run)
    await run.send("decide", node_id="send", decision="reject", hash=told["hash"], note="Not before Friday.")
    assert (await run.run()).status == "succeeded"
    (failure,) = run.of_type("step.failed")
    assert failure.data["error"]["code"] == "call_rejected"
    assert "Not before Friday." in failure.data["error"]["message"]
    assert run.calls == ["instead"]
    assert (await run.replay()).is_identical


@keeps("approval of a call expires")
async def test_a_call_nobody_approved_in_time_is_not_made(stage: SetStage):
    run = stage(sending(), gate=asks(expires_seconds=3600))
    told = await asked(run)
    run.clock.moment += timedelta(minutes=61)
    assert (await failed(run), run.calls) == ("approval_expired", [])
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    assert ((await run.run()).status, run.calls) == ("failed", [])


@keeps("approval of a call expires")
async def test_an_approval_that_was_not_used_in_time_is_asked_for_again(stage: SetStage):
    run = stage(sending(), gate=asks(expires_seconds=3600))
    told = await asked(run)
    await run.send("pause")
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    assert (await run.run()).data["reason"] == "paused"
    run.clock.moment += timedelta(hours=2)
    await run.send("resume")
    assert ((await asked(run))["call"]["again"], run.calls) == ("expired", [])


@keeps("two people approve")
async def test_where_two_have_to_approve_the_same_person_twice_is_one(stage: SetStage):
    # given
    run = stage(sending(), gate=asks(people=2))
    told = await asked(run)
    for _ in range(2):
        await run.send("decide", node_id="send", decision="approve", hash=told["hash"], by_id="ada")
        assert (await asked(run), run.calls)[1] == []
    assert len(run.of_type("approval.decided")) == 1
    # when
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"], by_id="bob")
    # then
    assert (await run.run()).status == "succeeded"
    assert [entry.data["by_id"] for entry in run.of_type("approval.decided")] == ["ada", "bob"]
    assert run.of_type("step.intended")[0].data["gate"]["approved"]["by"] == [run.home.who] * 2
    assert (await run.replay()).is_identical


@keeps("two people approve")
async def test_one_of_two_may_still_reject(stage: SetStage):
    run = stage(sending(), gate=asks(people=2))
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"], by_id="ada")
    await run.send("decide", node_id="send", decision="reject", hash=told["hash"], by_id="ada")
    assert (await failed(run), run.calls) == ("call_rejected", [])


@keeps("several approvals at once", "call allowed, denied, asked about")
async def test_several_calls_wait_side_by_side_and_the_run_may_be_cancelled(stage: SetStage):
    box = {**tool("send"), "arguments": {"text": "{{ item }}"}}
    run = stage(flow(mapped("each", box, over="{{ ['a', 'b', 'c'] }}")), gate=asks(), clock=StillClock())
    await asked(run)
    assert run.nodes("run.waiting") == [f"each[{index}]/send" for index in range(3)]
    await run.send("decide", node_id="each[1]/send", decision="approve")
    await asked(run)
    assert run.calls == ["b"]
    await run.send("cancel")
    assert ((await run.run()).status, run.calls) == ("cancelled", ["b"])


@keeps("call approved: single use, bound to its hash", "agent")
@pytest.mark.parametrize("keeps_the_last", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_in_the_middle_of_a_models_rounds_nothing_before_the_approval_is_done_again(
    stage: SetStage, dies_at: int, keeps_the_last: bool
):
    # given a model whose second call is asked about
    def script(request: ChatRequest) -> Said:
        done = round_of(request)
        return ("Done.", []) if done == 2 else (f"Round {done}.", [("Echo", {"text": f"n{done}"})])

    gate = Ruled(lambda call: Decision("ask", policy="p1") if call.arguments["text"] == "n1" else ALLOWED)
    ask = {"id": "ask", "type": "llm", "prompt": "Do it.", "tools": ["Echo"], "next": "end"}
    run = stage(flow(ask), gate=gate, model=CallingModel(script))
    told = await asked(run)
    assert (told["call"]["chosen_by"], run.calls) == ("model", ["n0"])
    # when
    key = run.nodes("run.waiting")[0]
    await run.send("decide", node_id=key, decision="approve", hash=told["hash"])
    run.fate.dies_at, run.fate.keeps_the_last = run.fate.appends + dies_at, keeps_the_last
    try:
        await run.run()
    except WorkerKilled:
        await run.run()
    # then
    assert run.of_type("run.finished")[0].data["status"] == "succeeded"
    assert run.nodes("run.waiting") == [key]
    assert (run.calls.count("n0"), set(run.calls)) == (1, {"n0", "n1"})
