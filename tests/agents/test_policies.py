# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The policy of an organization: who may see and change it, what is tried before it holds, and what runs are given."""

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest

from accounts.models import AuditEvent
from accounts.operations.audit import record_event
from accounts.tenancy import tenant
from agents.engine.errors import PolicyInvalid
from agents.engine.gate import ProposedCall
from agents.engine.policies.errors import PolicyUnchanged
from agents.models import PolicyVersion, Run
from agents.operations.policies import (
    restore_policy,
    save_policy_draft,
    switch_on_policy,
    try_policy,
    try_policy_on,
)
from agents.operations.runs import RunRequest, start_run
from agents.queries.policies import access_policy, diff_policy
from agents.workers.loading import LoadedRun, load_runs
from codexos.kernel.errors import NotAllowed
from tests.agents.test_runs import BLUEPRINT
from tests.codexos.test_problems import check_problem
from tests.factories import Someone, World

POLICIES = "/api/v1/policies/"
NO_SHELL = "rules: [{name: no-shell, when: {tool: Shell}, then: deny, reason: no shells here}]\n"
FETCH = ProposedCall("WebFetch", {}, capabilities=("read", "egress:a.example"), chosen_by="model")
SHELL = ProposedCall("Shell", {}, capabilities=("exec",), chosen_by="model")


def hold(who: Someone, source: str) -> PolicyVersion:
    save_policy_draft(who.actor, source=source)
    return switch_on_policy(who.actor)


def accept(who: Someone) -> Run:
    return start_run(who.actor, request=RunRequest(agent_id="a", document=BLUEPRINT, input="hello"))


def loaded(run: Run) -> LoadedRun:
    found = load_runs({run.organization_id: [run.pk]})[run.pk]
    assert isinstance(found, LoadedRun), found
    return found


def actions(organization_id: UUID) -> list[str]:
    with tenant(organization_id):
        rows = AuditEvent.objects.for_organization(organization_id).filter(action__startswith="policy.")
        return list(rows.order_by("id").values_list("action", flat=True))


def test_a_draft_holds_for_nobody_until_it_is_switched_on(world: World) -> None:
    run = accept(world.dev)
    save_policy_draft(world.admin.actor, source=NO_SHELL)
    assert loaded(run).gate.decide(SHELL).verdict == "allow"
    version = switch_on_policy(world.admin.actor, note="people only")
    gate = loaded(run).gate
    assert (gate.decide(SHELL).verdict, gate.decide(FETCH).verdict) == ("deny", "allow")
    state = access_policy(world.viewer.actor)
    assert (state.version, state.has_draft, state.policy) == (version, False, gate.policy)
    # The other organization's runs are decided by the other organization's policy.
    assert loaded(accept(world.stranger)).gate.decide(SHELL).verdict == "allow"
    assert actions(world.acme.pk) == ["policy.drafted", "policy.switched_on"]


def test_a_run_costs_no_statement_more_where_nothing_changed(world: World, django_assert_num_queries: Any) -> None:
    run = accept(world.dev)
    loaded(run)
    with django_assert_num_queries(1):
        house = loaded(run).gate
    hold(world.admin, NO_SHELL)
    changed = loaded(run).gate
    assert changed.policy != house.policy
    with django_assert_num_queries(1):
        assert loaded(run).gate is changed


def test_rules_know_the_role_and_the_place_of_who_runs(world: World) -> None:
    hold(
        world.admin,
        f"""
        rules:
          - {{name: leads, when: {{role: team_lead, tool: Shell}}, then: ask}}
          - {{name: here, when: {{project: {world.project.name!r}, role: developer, tool: Shell}}, then: deny}}
        """,
    )
    verdicts = [loaded(accept(who)).gate.decide(SHELL).verdict for who in (world.lead, world.dev, world.admin)]
    assert verdicts == ["ask", "deny", "allow"]


def test_its_hosts_narrow_what_the_tools_of_runs_reach(world: World) -> None:
    run = accept(world.dev)
    assert loaded(run).room(run.pk, (), in_thread=None).egress.only_hosts is None  # type: ignore[arg-type]
    hold(world.admin, "egress: {hosts: [api.example.com, '*.example.org:8443']}")
    egress = loaded(run).room(run.pk, (), in_thread=None).egress  # type: ignore[arg-type]
    assert egress.only_hosts == {"api.example.com", "*.example.org:8443"}


def test_what_is_wrong_holds_for_nobody(world: World) -> None:
    save_policy_draft(world.admin.actor, source="rules: [{then: maybe}]")
    with pytest.raises(PolicyInvalid):
        switch_on_policy(world.admin.actor)
    rego = 'rego: {source: "package codexos\\n\\ndecision := {\\n"}'
    save_policy_draft(world.admin.actor, source=rego)
    with pytest.raises(PolicyInvalid) as caught:
        switch_on_policy(world.admin.actor)
    assert caught.value.problems[0].place == "$.rego.source"
    assert access_policy(world.admin.actor).version is None


def test_one_goes_back_to_what_held_before(world: World) -> None:
    first = hold(world.admin, NO_SHELL)
    hold(world.admin, "rules: [{name: no-fetch, when: {tool: WebFetch}, then: deny}]\n")
    restored = restore_policy(world.admin.actor, 1, note="too strict")
    assert (restored.number, restored.restored, restored.sha256) == (3, 1, first.sha256)
    assert loaded(accept(world.dev)).gate.decide(SHELL).verdict == "deny"
    with pytest.raises(PolicyUnchanged):
        restore_policy(world.admin.actor, 1)
    marks = [line.mark for line in diff_policy(world.viewer.actor, 2)]
    assert marks == ["-", "+"]
    assert [line.mark for line in diff_policy(world.viewer.actor, 3, other="1")] == []


def note(who: Someone, run: Run, **told: Any) -> None:
    with tenant(run.organization_id):
        details = {"step": "a", "vault": [], "labels": [], "chosen_by": "model", "verdict": "allow", **told}
        record_event(who.actor, "tool.called", about=run, **details)


def test_a_draft_is_tried_on_past_calls_of_the_own_organization(world: World) -> None:
    run, foreign = accept(world.dev), accept(world.stranger)
    note(world.dev, run, tool="Shell", capabilities=["exec"])
    note(world.dev, run, tool="WebFetch", capabilities=["read", "egress:a.example"], step="b")
    note(world.stranger, foreign, tool="Shell", capabilities=["exec"])
    trial = try_policy(world.admin.actor, source=NO_SHELL)
    assert (trial.tried, trial.changed_count, trial.without_arguments, trial.expired) == (2, 1, 2, 0)
    (changed,) = trial.changed
    assert (changed.past.call.tool, changed.past.run_id) == ("Shell", run.pk)
    assert changed.past.caller.role == "developer"
    assert (changed.before.decision.verdict, changed.after.decision.verdict) == ("allow", "deny")
    assert changed.after.rule is not None
    assert changed.after.rule.name == "no-shell"
    assert access_policy(world.admin.actor).version is None
    assert actions(world.acme.pk) == ["policy.tried"]


def test_runs_whose_content_is_gone_are_counted(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    runs = [accept(committed_world.dev) for _ in range(2)]
    truth.execute("update agents_run set content_expired_at = now() where id = %s", [runs[0].pk])
    assert try_policy(committed_world.admin.actor, source=NO_SHELL).expired == 1


def test_journals_tell_what_calls_were_made_with(committed_world: World, truth: psycopg.Connection[Any]) -> None:
    world, run = committed_world, accept(committed_world.dev)
    told = {"tool": "HTTPRequest", "arguments": {"url": "https://a.example/", "method": "POST"}, "key": "k"}
    asked = {**told, "capabilities": ["write", "egress:a.example"], "chosen_by": "model", "labels": ["knowledge"]}
    for seq, kind, data in [(2, "step.intended", told), (3, "run.waiting", {"reason": "approval", "call": asked})]:
        truth.execute(
            "insert into agents_journalentry (run_id, seq, organization_id, type, node_id, attempt, epoch, at, delta, "
            "content_days) values (%s, %s, %s, %s, %s, 1, 1, now(), %s, %s)",
            [run.pk, seq, run.organization_id, kind, f"n{seq}", json.dumps(data).encode(), run.content_days],
        )
    source = "rules: [{name: posts, when: {tool: HTTPRequest, host: a.example}, then: deny}]"
    trial = try_policy(world.admin.actor, source=source)
    assert (trial.tried, trial.without_arguments, trial.unknown_tools) == (2, 0, 0)
    assert trial.counts == {("ask", "deny"): 1, ("allow", "deny"): 1}


def test_a_call_is_tried_as_it_is_typed(world: World) -> None:
    call = {"tool": "HTTPRequest", "arguments": {"url": "https://a.example/", "method": "POST"}, "chosen_by": "model"}
    source = "rules: [{name: posts, when: {tool: HTTPRequest, capability: write}, then: deny}]"
    tried = try_policy_on(world.admin.actor, call=call, source=source)
    # It says what it touches itself.
    assert "write" in tried.past.call.capabilities
    assert (tried.before.decision.verdict, tried.after.decision.verdict) == ("ask", "deny")


@pytest.mark.parametrize("name", ["lead", "dev", "viewer", "stranger"])
def test_only_admins_change_it_and_only_their_own(world: World, name: str) -> None:
    who = getattr(world, name)
    hold(world.admin, NO_SHELL)
    if name == "stranger":
        assert access_policy(who.actor).version is None
        return
    for deed in (
        lambda: save_policy_draft(who.actor, source=""),
        lambda: switch_on_policy(who.actor),
        lambda: restore_policy(who.actor, 1),
        lambda: try_policy(who.actor),
        lambda: try_policy_on(who.actor, call={"tool": "A"}),
    ):
        with pytest.raises(NotAllowed):
            deed()
    assert access_policy(who.actor).version is not None


def test_over_http_a_draft_is_kept_with_what_is_wrong_and_guarded_by_its_etag(world: World, api: Any) -> None:
    client = api(world.admin)
    empty = client.get(f"{POLICIES}draft/")
    assert empty.json()["is_changed"] is False
    saved = client.put(
        f"{POLICIES}draft/", {"source": "rules:\n  - then: no\n"}, format="json", headers={"If-Match": empty["ETag"]}
    )
    (problem,) = saved.json()["problems"]
    assert (problem["place"], problem["line"], problem["column"]) == ("$.rules[0].then", 2, 5)
    stale = client.put(f"{POLICIES}draft/", {"source": NO_SHELL}, format="json", headers={"If-Match": empty["ETag"]})
    assert check_problem(stale, 412)["code"] == "policy_changed"
    assert check_problem(client.post(f"{POLICIES}switch-on/"), 422)["code"] == "policy_invalid"
    assert client.put(f"{POLICIES}draft/", {"source": NO_SHELL}, format="json").json()["problems"] == []
    trial = client.post(f"{POLICIES}try-call/", {"call": {"tool": "Shell", "capabilities": ["exec"]}}, format="json")
    assert trial.json()["after"] == {
        "verdict": "deny",
        "reasons": ["no shells here (rule 'no-shell')"],
        "rule": "no-shell",
        "is_built_in": False,
    }
    held = client.post(f"{POLICIES}switch-on/", {"note": "n"}, format="json").json()
    shown = api(world.viewer).get(POLICIES).json()
    assert (shown["version"], shown["sha256"], shown["source"]) == (1, held["sha256"], NO_SHELL)
    assert [row["number"] for row in client.get(f"{POLICIES}versions/").json()["results"]] == [1]
    assert client.get(f"{POLICIES}versions/1/diff/").json()[-1]["mark"] == "+"
    wrong = client.post(f"{POLICIES}try-call/", {"call": {"tol": "Shell"}}, format="json")
    assert check_problem(wrong, 422)["code"] == "proposed_call_invalid"
