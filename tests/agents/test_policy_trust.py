# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rules that are ready to be taken: calls like one that people were asked about pass, and nothing wider does."""

import asyncio
from typing import Any

import psycopg
import pytest
from django.test import Client

from agents.adapters.policies import make_gate
from agents.adapters.run_gate import RunGate
from agents.engine.gate import ProposedCall
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.policies.ready_made import READY_MADE, rule_trusting
from agents.engine.policies.texts import parse_policy
from agents.operations.policies import save_policy_draft, switch_on_policy
from agents.operations.policy_trust import trust_calls_like
from agents.queries.policies import access_policy
from codexos.kernel.errors import NotAllowed
from tests.agents.test_calls_of_runs import answer, asking, carried, listed, ordering, outside
from tests.agents.test_interventions import accept
from tests.factories import Someone, World, sign_in

__all__ = ["outside"]

SHELL = ProposedCall(
    "Shell",
    {"command": "make", "hosts": ["pypi.org"]},
    capabilities=("exec", "egress:pypi.org"),
    labels=frozenset({"tool:Shell"}),
    chosen_by="model",
)
ASKED = {
    "tool": "Shell",
    "arguments": dict(SHELL.arguments),
    "capabilities": ["exec", "egress:pypi.org"],
    "labels": ["tool:Shell"],
    "chosen_by": "model",
    "secrets": [],
}
HERE = Caller(role="developer", project="birds", project_id="p1")


def verdict(rule: Any, caller: Caller = HERE, **other: Any) -> str:
    call = ProposedCall(**{name: other.get(name, getattr(SHELL, name)) for name in ProposedCall.__dataclass_fields__})
    return make_gate(parse_policy({"rules": [rule]} if rule else {}), caller).decide(call).verdict


def test_a_rule_made_of_a_call_lets_calls_like_it_pass_and_nothing_wider() -> None:
    rule = rule_trusting(ASKED, project="birds", taken=["trust-shell-in-birds"])
    assert rule["name"] == "trust-shell-in-birds-2"
    # The control: without it people are asked.
    assert (verdict(None), verdict(rule)) == ("ask", "allow")
    for wider in (
        {"capabilities": ("exec", "egress:evil.example")},
        {"capabilities": ("exec", "write", "egress:pypi.org")},
        {"capabilities": ("exec", "egress:pypi.org", "secret:key"), "secrets": ("key",)},
        {"labels": frozenset({"tool:Shell", "tool:WebFetch"})},
        {"tool": "PythonExec"},
    ):
        assert verdict(rule, **wider) == "ask", wider
    assert verdict(rule, Caller(role="developer", project="fish", project_id="p2")) == "ask"
    # What a flow's author wrote is trusted, not what a model makes up; and no more is spent than people saw.
    drawn = rule_trusting({**ASKED, "labels": [], "chosen_by": "flow"}, project="birds")
    bought = rule_trusting({**ASKED, "labels": [], "cost_usd": 0.5}, project="birds")
    plain: dict[str, Any] = {"labels": frozenset()}
    assert (verdict(drawn, **plain, chosen_by="flow"), verdict(drawn, **plain)) == ("allow", "ask")
    assert [verdict(bought, **plain, cost_usd=cost) for cost in (0.5, 500.0)] == ["allow", "ask"]


@pytest.mark.parametrize("ready", READY_MADE, ids=lambda each: each.key)
def test_what_is_ready_lets_programs_go_on_and_nothing_leave(ready: Any) -> None:
    inside = {"capabilities": ("exec",)}
    assert (verdict(None, **inside), verdict(ready.rule, **inside)) == ("ask", "allow")
    assert verdict(ready.rule) == "ask"
    assert verdict(ready.rule, capabilities=("exec", "write")) == "ask"
    from_the_web = frozenset({"tool:Shell", "tool:WebFetch"})
    is_wide = ready.key == "work-in-the-workspace"
    assert verdict(ready.rule, **inside, labels=from_the_web) == ("allow" if is_wide else "ask")


def trusting(who: Someone, question: dict[str, Any]) -> Any:
    client = Client()
    sign_in(client, who.person)
    return client.post(f"/approvals/{question['id']}/trust/", follow=True)


async def test_one_click_has_calls_like_it_pass_from_now_on(
    committed_world: World, truth: psycopg.Connection, outside: Any
) -> None:
    # given a call that a rule has asked about
    world = committed_world
    source = "rules: [{name: posts, when: {capability: write}, then: ask}]"
    await asyncio.to_thread(save_policy_draft, world.admin.actor, source=source)
    await asyncio.to_thread(switch_on_policy, world.admin.actor)
    run_id = await asking(world.dev, truth, ordering(outside))
    (question,) = await listed(world.dev)
    # when whoever may not makes a rule of it, nothing comes of that
    with pytest.raises(NotAllowed):
        await asyncio.to_thread(trust_calls_like, world.dev.actor, question["id"])
    # and whoever may does
    page = (await asyncio.to_thread(trusting, world.admin, question)).content.decode()
    assert "Calls like this pass from now on" in page
    state = await asyncio.to_thread(access_policy, world.admin.actor)
    assert [rule.name for rule in state.document.rules] == [state.document.rules[0].name, "posts"]
    assert state.document.rules[0].then == "allow"
    # then this one is still to be answered, and the next is not asked about
    await answer(world.dev, question)
    assert await carried(truth, run_id) == "succeeded"
    again = await asyncio.to_thread(accept, world.dev, ordering(outside))
    assert await carried(truth, again) == "succeeded"
    assert await listed(world.dev) == []


def test_where_a_draft_waits_the_rule_is_put_there_and_holds_for_nobody(world: World) -> None:
    client = Client()
    sign_in(client, world.admin.person)
    shown = client.get("/settings/policy/edit/").content.decode()
    assert 'value="work-in-the-workspace"' in shown
    for key in ("nothing", "work-in-the-workspace"):
        assert client.post("/settings/policy/ready/", {"key": key}).status_code == 302
    state = access_policy(world.admin.actor)
    assert (state.has_draft, "work-in-the-workspace" in state.draft, state.document.rules) == (True, True, ())
    assert 'value="work-in-the-workspace"' not in client.get("/settings/policy/edit/").content.decode()


async def test_a_run_goes_by_the_policy_that_holds_when_people_have_decided(committed_world: World) -> None:
    # given a run that was taken up before anything was switched on
    world = committed_world
    gate = RunGate(PolicyGate.of_the_house(), organization_id=world.acme.id, in_thread=_in_thread)  # type: ignore[arg-type]
    call = ProposedCall("WebFetch", {"url": "https://a.example"}, capabilities=("read", "egress:a.example"))
    assert gate.decide(call).verdict == "allow"
    # when
    source = "rules: [{name: none, when: {tool: WebFetch}, then: deny}]"
    await asyncio.to_thread(save_policy_draft, world.admin.actor, source=source)
    await asyncio.to_thread(switch_on_policy, world.admin.actor)
    assert gate.decide(call).verdict == "allow"
    await gate.renew()
    # then
    assert gate.decide(call).verdict == "deny"


async def _in_thread(function: Any, *given: Any) -> Any:
    return await asyncio.to_thread(function, *given)
