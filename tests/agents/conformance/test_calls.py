# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Calls of tools pass the gate: what is asked about waits for people, and exactly what they approved is made."""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agents.engine.gate import Decision, ProposedCall
from agents.engine.journeys import Journey
from agents.engine.tools import ToolSpec
from codexos.kernel.jsontypes import JsonObject
from tests.agents.conformance.conftest import SetStage
from tests.agents.conformance.flows import Shaky, flow, tool
from tests.agents.conformance.gates import Ruled, asks
from tests.agents.conformance.semantics import keeps
from tests.agents.conformance.stage import Stage
from tests.agents.engine.stage import CountingTool, WorkerKilled


def sending(**more: Any) -> JsonObject:
    return flow(tool("send", **more))


async def asked(run: Stage) -> JsonObject:
    """Carry the run until it asks about a call, and return what it says."""
    standing = await run.run()
    assert (standing.status, standing.data["reason"]) == ("waiting", "approval")
    return standing.data


async def failed(run: Stage) -> str:
    standing = await run.run()
    assert standing.status == "failed"
    return str(standing.data["error"]["code"])


@keeps("call allowed, denied, asked about")
async def test_what_is_allowed_is_made_at_once_and_the_intention_says_by_which_policy(stage: SetStage):
    run = stage(sending(), gate=Ruled(lambda call: Decision("allow", ["It reads."], "p1")))
    assert (await run.run()).status == "succeeded"
    (intended,) = run.of_type("step.intended")
    assert intended.data["gate"] == {"verdict": "allow", "policy": "p1"}
    assert run.calls == ["send"]
    assert run.trail.actions == ["tool.called"]


@keeps("call allowed, denied, asked about")
async def test_what_is_denied_fails_with_the_reasons_and_was_written_down_before(stage: SetStage):
    run = stage(sending(), gate=Ruled(lambda call: Decision("deny", ["Nobody may send on Sundays."], "p1")))
    standing = await run.run()
    assert standing.data["error"]["code"] == "tool_denied"
    assert "Nobody may send on Sundays." in standing.data["error"]["message"]
    assert (run.calls, run.trail.actions) == ([], ["tool.denied"])


@keeps("call allowed, denied, asked about")
async def test_a_gate_that_breaks_denies(stage: SetStage):
    def broken(call: ProposedCall) -> Decision:
        raise RuntimeError("nobody thought of this")

    assert await failed(run := stage(sending(), gate=Ruled(broken))) == "tool_denied"
    assert run.calls == []


@keeps("call allowed, denied, asked about")
async def test_a_question_tells_what_will_happen_and_an_approval_lets_it(stage: SetStage):
    # given
    run = stage(sending(), gate=asks())
    told = await asked(run)
    assert told["call"] == {
        "tool": "Echo",
        "arguments": {"text": "send"},
        "capabilities": [],
        "hosts": [],
        "secrets": [],
        "cost_usd": None,
        "labels": [],
        "chosen_by": "flow",
        "reasons": ["It writes."],
    }
    assert (len(str(told["hash"])), told["policy"], run.calls) == (64, "p1", [])
    (noted,) = run.trail.noted
    assert (noted.action, noted.hash) == ("tool.asked", told["hash"])
    # when
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"], by_id="ada")
    # then
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["send"]
    (intended,) = run.of_type("step.intended")
    assert intended.data["gate"] == {
        "verdict": "ask",
        "policy": "p1",
        "reasons": ["It writes."],
        "approved": {"hash": told["hash"], "by": [run.home.who]},
    }
    assert (await run.replay()).is_identical


@keeps("call approved: single use, bound to its hash")
@pytest.mark.parametrize("keeps_the_last", [False, True])
@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_an_approval_is_neither_lost_nor_used_twice_when_workers_die(
    stage: SetStage, dies_at: int, keeps_the_last: bool
):
    # given
    run = stage(sending(), gate=asks())
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    run.fate.dies_at, run.fate.keeps_the_last = run.fate.appends + dies_at, keeps_the_last
    # when
    try:
        await run.run()
    except WorkerKilled:
        await run.run()
    # then
    assert run.of_type("run.finished")[0].data["status"] == "succeeded"
    assert len(run.of_type("approval.decided")) == len(run.of_type("run.waiting")) == 1
    assert set(run.calls) == {"send"}
    assert len(set(run.keys)) == 1, "however often it was made, it is one effect"


@keeps("call approved: single use, bound to its hash")
async def test_under_another_policy_people_are_asked_again_and_nothing_is_made(stage: SetStage):
    run = stage(sending(), gate=asks("p1"))
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    run.gate = asks("p2")
    again = await asked(run)
    assert (again["call"]["again"], again["policy"], run.calls) == ("policy", "p2", [])
    assert again["hash"] != told["hash"]
    # Whoever answers the question that was is told that it is another now.
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    assert (await asked(run), run.calls)[1] == []
    await run.send("decide", node_id="send", decision="approve", hash=again["hash"])
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["send"]


@keeps("call approved: single use, bound to its hash")
async def test_other_arguments_than_were_approved_are_asked_about_again(stage: SetStage):
    """As when a worker of another version fills in a template otherwise."""
    run = stage(sending(), gate=asks())
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    executor = await run.executor()
    # A copy: what workers keep of a flow is shared.
    executor._graph = deepcopy(executor._graph)
    node = executor._graph.nodes["send"]
    node.settings["arguments"]["text"] = "something else"  # type: ignore[index]
    assert (await executor.advance()).status == "waiting"
    assert run.calls == []
    assert run.of_type("run.waiting")[-1].data["call"]["again"] == "call"


@dataclass
class Served(CountingTool):
    """A tool of a server that may move."""

    address: str = "a.example"
    does: str = "read"

    @property
    def spec(self) -> ToolSpec:
        return replace(super().spec, fingerprint=self.address, capabilities=(self.does,))


@keeps("call approved: single use, bound to its hash", "call approved for the run")
@pytest.mark.parametrize("change", [{"address": "b.example"}, {"does": "write"}])
@pytest.mark.parametrize("decision", ["approve", "approve_for_run"])
async def test_a_tool_that_became_another_since_it_was_asked_about_is_asked_about_again(
    stage: SetStage, change: dict[str, str], decision: str
):
    # given
    served = Served()
    run = stage(flow(tool("send", "again"), tool("again")), gate=asks(), tools=[served])
    told = await asked(run)
    # when
    await run.send("decide", node_id="send", decision=decision, hash=told["hash"])
    vars(served).update(change)
    # then
    again = await asked(run)
    assert (again["call"]["again"], run.calls) == ("call", [])
    assert again["hash"] != told["hash"]
    # and it is what they see now that they let through
    await run.send("decide", node_id="send", decision=decision, hash=again["hash"])
    served.calls.clear()
    await run.run()
    assert run.calls[0] == "send"
    assert len(run.calls) == (2 if decision == "approve_for_run" else 1)


@keeps("call approved: single use, bound to its hash")
async def test_one_approval_is_for_one_call_and_not_for_the_next_like_it(stage: SetStage):
    # given
    run = stage(
        flow({**tool("send", "again"), "arguments": {"text": "x"}}, {**tool("again"), "arguments": {"text": "x"}})
    )
    run.gate = asks()
    told = await asked(run)
    # when
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    await asked(run)
    # then
    assert run.calls == ["x"]
    assert run.nodes("run.waiting") == ["send", "again"]


@keeps("call approved: single use, bound to its hash")
async def test_what_was_cut_after_its_approval_and_is_wanted_anew_is_asked_about_anew(stage: SetStage):
    # given
    run = stage(sending(), gate=asks(), tools=[CountingTool(reads_only=False, kills=True)])
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    with pytest.raises(BaseException):  # noqa: B017 - however a worker dies
        await run.run()
    assert (await run.run()).data["reason"] == "may_have_happened"
    # when
    await run.send("decide", node_id="send", decision="again")
    # then
    assert (await asked(run))["hash"] == told["hash"]
    assert run.calls == ["send"]


@keeps("call approved: single use, bound to its hash")
async def test_attempts_at_one_effect_need_one_approval(stage: SetStage):
    run = stage(sending(name="Shaky", retry={"attempts": 3}), gate=asks(), tools=[Shaky(away_times=2)])
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"])
    assert (await run.run()).status == "succeeded"
    assert (len(run.calls), len(set(run.keys)), len(run.of_type("run.waiting"))) == (3, 1, 1)


@keeps("call approved: single use, bound to its hash")
async def test_a_run_that_goes_on_from_another_inherits_no_approval(stage: SetStage):
    # given
    run = stage(flow(tool("send", "end")), gate=asks(), tools=[Shaky("Echo", is_broken=True)])
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve_for_run", hash=told["hash"])
    assert await failed(run) == "conflict"
    # when
    child = await run.go_on(Journey("retry"))
    # then
    assert (await asked(child))["hash"] == told["hash"]
    assert child.calls == []


@keeps("call approved for the run")
async def test_approved_for_the_run_the_same_with_the_same_capabilities_is_not_asked_about(stage: SetStage):
    # given
    run = stage(
        flow(tool("a", "b"), tool("b", "c"), tool("c", name="Other")), tools=[CountingTool(), CountingTool("Other")]
    )
    run.gate = asks()
    told = await asked(run)
    # when
    await run.send("decide", node_id="a", decision="approve_for_run", hash=told["hash"])
    # then
    await asked(run)
    assert run.calls == ["a", "b"]
    assert run.nodes("run.waiting") == ["a", "c"], "another tool is another matter"
    (_, through) = run.of_type("step.intended")
    assert through.data["gate"]["approved"]["for_run"] == told["hash"]
    # and not under another policy
    run.gate = asks("p2")
    await run.send("decide", node_id="c", decision="approve")
    assert (await asked(run))["call"]["tool"] == "Other"


@keeps("call approved for the run", "labels")
async def test_approved_for_the_run_what_strangers_led_to_is_asked_about_all_the_same(stage: SetStage):
    run = stage(flow(tool("a", "b"), {**tool("b"), "arguments": {"text": "{{ a.text }}"}}), gate=asks())
    told = await asked(run)
    await run.send("decide", node_id="a", decision="approve_for_run", hash=told["hash"])
    assert (await asked(run))["call"]["labels"] == ["tool:Echo"]
    assert run.calls == ["a"]


@keeps("call edited")
async def test_edited_arguments_are_decided_about_anew_and_made_as_they_are_now(stage: SetStage):
    # given
    run = stage(sending(), gate=asks())
    told = await asked(run)
    # when
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"], arguments={"text": "gently"})
    # then
    assert (await run.run()).status == "succeeded"
    assert run.calls == ["gently"]
    (intended,) = run.of_type("step.intended")
    assert intended.data["gate"]["approved"]["is_edited"] is True
    assert intended.data["gate"]["approved"]["hash"] != told["hash"]
    assert [each.arguments["text"] for each in run.gate.seen][-1] == "gently"  # type: ignore[attr-defined]
    assert (await run.replay()).is_identical


@keeps("call edited")
async def test_edited_to_what_is_denied_nothing_is_made(stage: SetStage):
    def rule(call: ProposedCall) -> Decision:
        return Decision("deny" if "bomb" in str(call.arguments) else "ask", ["No bombs."], "p1")

    run = stage(sending(), gate=Ruled(rule))
    told = await asked(run)
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"], arguments={"text": "a bomb"})
    assert (await failed(run), run.calls) == ("tool_denied", [])


@keeps("call edited", "secrets")
async def test_what_is_written_into_an_edit_refers_to_no_secret_and_what_is_left_still_does(stage: SetStage):
    # given
    box = {**tool("send"), "arguments": {"text": "key {{ vault.github }}"}}
    run = stage(flow(box), gate=asks())
    told = await asked(run)
    assert told["call"]["secrets"] == ["github"]
    shown = told["call"]["arguments"]
    # when
    await run.send("decide", node_id="send", decision="approve", hash=told["hash"], arguments={**shown, "times": 2})
    assert (await run.run()).status == "succeeded"
    # then
    ((arguments, _),) = run.tools[0].calls  # type: ignore[attr-defined]
    assert type(arguments["text"]).__name__ == "SecretText"
    other = stage(sending(), gate=asks())
    told = await asked(other)
    edit = {"text": "key {{ vault.github }}"}
    await other.send("decide", node_id="send", decision="approve", hash=told["hash"], arguments=edit)
    assert (await other.run()).status == "succeeded"
    ((arguments, _),) = other.tools[0].calls  # type: ignore[attr-defined]
    assert type(arguments["text"]) is str
