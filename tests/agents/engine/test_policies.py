# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a policy says of calls: the house's own rules, an organization's, the taint rules above both, denial below."""

from collections.abc import Sequence
from typing import Any

import pytest

from agents.engine.gate import Decision, ProposedCall
from agents.engine.policies.built_in import BUILT_IN
from agents.engine.policies.document import as_data
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate, policy_hash
from agents.engine.policies.texts import parse_policy, read_policy

READ, LOOK = ("read",), ("read", "egress:docs.example.com")
WRITE, EXEC, SPEND = ("read", "write"), ("exec",), ("read", "spend")
POST = ("read", "write", "egress:api.example.com")
DEVELOPER = Caller(role="developer", project="Website", project_id="p-1", team="Core", team_id="t-1")


def call(tool: str = "Tool", capabilities: Sequence[str] = READ, **more: Any) -> ProposedCall:
    labels = frozenset(more.pop("labels", ()))
    return ProposedCall(tool, more.pop("arguments", {}), capabilities=capabilities, labels=labels, **more)


def by_model(tool: str = "Tool", capabilities: Sequence[str] = READ, **more: Any) -> ProposedCall:
    return call(tool, capabilities, chosen_by="model", **more)


def decide(policy: str, asked: ProposedCall, caller: Caller = DEVELOPER) -> Decision:
    return PolicyGate(read_policy(policy), caller).decide(asked)


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (call(capabilities=()), "allow"),
        (call(capabilities=POST), "allow"),  # its author drew it
        (call(capabilities=(*EXEC, "secret:github")), "allow"),
        (call(capabilities=SPEND), "allow"),
        (by_model(capabilities=()), "allow"),
        (by_model(capabilities=LOOK), "allow"),
        (by_model(capabilities=(*LOOK, "secret:github")), "allow"),
        (by_model(capabilities=WRITE), "allow"),  # inside: the workspace, the project
        (by_model(capabilities=EXEC), "allow"),  # inside: the sandbox
        (by_model("SqlQuery", (*LOOK, "secret:warehouse")), "ask"),  # which secret, the model chose
        (call("SqlQuery", (*LOOK, "secret:warehouse")), "allow"),
        (by_model("FileWrite", ("write",)), "allow"),
        (by_model("FileWrite", ("write", "exec")), "ask"),  # a file that is a tool
        (call("FileWrite", ("write", "exec")), "allow"),
        (by_model(capabilities=POST), "ask"),
        (by_model(capabilities=("exec", "egress:*")), "ask"),
        (by_model(capabilities=SPEND), "ask"),
        # what no rule names
        (call(capabilities=("read", "teleport")), "deny"),
        (by_model(capabilities=("teleport",)), "deny"),
        # led to by what strangers wrote
        (call(capabilities=READ, labels=["knowledge"]), "allow"),
        (call(capabilities=LOOK, labels=["knowledge"]), "ask"),
        (call(capabilities=WRITE, labels=["tool:WebFetch"]), "ask"),
        (by_model(capabilities=READ, labels=["tool:WebFetch"]), "allow"),
        (by_model(capabilities=WRITE, labels=["tool:WebFetch"]), "ask"),
        (by_model(capabilities=EXEC, labels=["memory"]), "ask"),
        (by_model(capabilities=SPEND, labels=["webhook:orders"]), "ask"),
        (by_model(capabilities=READ, labels=["memory"], cost_usd=0.01), "ask"),
        (by_model(capabilities=(), labels=["memory"]), "allow"),
    ],
)
def test_the_house_has_sensible_rules(asked: ProposedCall, verdict: str) -> None:
    decision = decide("", asked)
    assert decision.verdict == verdict
    assert bool(decision.reasons) is (verdict != "allow")
    assert decision.policy == policy_hash(read_policy(""))


def test_declared_hosts_are_no_risk_and_every_other_is() -> None:
    policy = "egress: {hosts: [docs.example.com, '*.example.org']}"
    for host, verdict in [
        ("docs.example.com", "allow"),
        ("DOCS.example.com", "allow"),
        ("a.b.example.org", "allow"),
        ("example.org", "ask"),
        ("example.org.evil.net", "ask"),
        ("*", "ask"),
    ]:
        assert (
            decide(policy, by_model(capabilities=("read", f"egress:{host}"), labels=["knowledge"])).verdict == verdict
        )


def test_hosts_that_the_operator_names_are_declared_too() -> None:
    asked = by_model(capabilities=("read", "egress:search.example"), labels=["tool:WebSearch"])
    assert PolicyGate(read_policy("")).decide(asked).verdict == "ask"
    assert PolicyGate(read_policy(""), declared=["search.example"]).decide(asked).verdict == "allow"


@pytest.mark.parametrize(
    ("when", "asked", "fits"),
    [
        ({}, call(), True),
        ({"tool": "Web*"}, call("WebFetch"), True),
        ({"tool": ["Shell", "github.*"]}, call("GitHub.create_issue"), True),
        ({"tool": "Web*"}, call("OldWeb"), False),
        ({"tool": "a*b*c"}, call("aXbXc"), True),
        ({"tool": "a*b*c"}, call("acb"), False),
        ({"chosen_by": "model"}, call(), False),
        ({"chosen_by": "model"}, by_model(), True),
        ({"role": "developer"}, call(), True),
        ({"role": ["viewer", "org_admin"]}, call(), False),
        ({"project": "web*"}, call(), True),
        ({"project": "p-1"}, call(), True),
        ({"project": "Shop"}, call(), False),
        ({"team": "Core"}, call(), True),
        ({"cost_above": 1}, call(cost_usd=2.0), True),
        ({"cost_above": 1}, call(cost_usd=1.0), False),
        ({"cost_above": 1}, call(capabilities=SPEND), True),  # it may cost anything
        ({"cost_at_most": 1}, call(capabilities=SPEND), False),
        ({"cost_at_most": 1}, call(cost_usd=1.0), True),
        ({"label": []}, call(), True),
        ({"label": []}, call(labels=["memory"]), False),
        ({"host": []}, call(capabilities=LOOK), False),
    ],
)
def test_conditions_mean_the_same_of_every_rule(when: dict[str, Any], asked: ProposedCall, fits: bool) -> None:
    for then in ("allow", "deny"):
        other = {"allow": "deny", "deny": "allow"}[then]
        rules = [{"when": when, "then": then}, {"then": other}]
        gate = PolicyGate(parse_policy({"otherwise": "deny", "rules": rules}), DEVELOPER)
        assert gate.decide(asked).verdict == (then if fits else other)


@pytest.mark.parametrize(
    ("when", "asked", "allow_covers", "deny_meets"),
    [
        # an allow has to cover the call, a deny meets it anywhere
        ({"capability": "read"}, call(capabilities=WRITE), False, True),
        ({"capability": ["read", "write"]}, call(capabilities=WRITE), True, True),
        ({"capability": "read"}, call(capabilities=()), False, False),
        ({"capability": "read"}, call(capabilities=LOOK), False, True),
        ({"capability": "read", "host": "*.example.com"}, call(capabilities=LOOK), True, True),
        ({"host": "docs.example.com"}, call(capabilities=(*LOOK, "egress:evil.net")), False, True),
        ({"host": "docs.example.com"}, call(capabilities=READ), False, False),
        # a host that is not known yet may be the one that is meant
        ({"host": "evil.net"}, call(capabilities=("egress:*",)), False, True),
        ({"capability": "egress:evil.net"}, call(capabilities=("egress:*",)), False, True),
        ({"host": "a.net:8443"}, call(capabilities=("egress:a.net",)), False, True),
        ({"host": "a.net:8443"}, call(capabilities=("egress:a.net:8443",)), True, True),
        ({"host": "a.net:8443"}, call(capabilities=("egress:a.net:9443",)), False, False),
        ({"host": "a.net"}, call(capabilities=("egress:a.net:9443",)), True, True),
        ({"label": "knowledge"}, call(labels=["knowledge", "tool:WebFetch"]), False, True),
        ({"label": "tool:*"}, call(labels=["tool:A", "tool:B"]), True, True),
        ({"secret": "github"}, call(secrets=["github", "stripe"]), False, True),
        ({"secret": "git*"}, call(capabilities=("read", "secret:github")), True, True),
    ],
)
def test_an_allow_covers_a_call_and_a_deny_meets_it(
    when: dict[str, Any], asked: ProposedCall, allow_covers: bool, deny_meets: bool
) -> None:
    allow = PolicyGate(parse_policy({"otherwise": "deny", "rules": [{"when": when, "then": "allow"}]}))
    deny = PolicyGate(parse_policy({"rules": [{"when": when, "then": "deny"}, {"then": "allow"}]}))
    assert (allow.decide(asked).verdict != "deny") is allow_covers
    assert (deny.decide(asked).verdict == "deny") is deny_meets


def test_the_first_rule_that_fits_says_what_becomes_of_a_call() -> None:
    policy = """
    approvers: {who: [org_admin]}
    rules:
      - {name: no-shell, when: {tool: Shell, chosen_by: model}, then: deny, reason: shells are for people}
      - {name: pushes, when: {tool: Git, capability: write}, then: ask,
         approvers: {who: [ada@example.com, team_lead], not_requester: true, people: 2, expires_seconds: 3600}}
      - {name: fetches, when: {tool: WebFetch}, then: ask}
      - {name: other-git, when: {tool: Git}, then: allow}
    """
    assert decide(policy, by_model("Shell", EXEC)).reasons == ("shells are for people (rule 'no-shell')",)
    assert decide(policy, call("Shell", EXEC)).verdict == "allow"
    pushed = decide(policy, by_model("Git", POST))
    assert pushed.verdict == "ask"
    assert pushed.approvers.deciders == ("ada@example.com", "team_lead")
    assert (pushed.approvers.people, pushed.approvers.not_requester, pushed.approvers.expires_seconds) == (
        2,
        True,
        3600,
    )
    assert decide(policy, by_model("WebFetch", LOOK)).approvers.deciders == ("org_admin",)
    assert decide(policy, by_model("Git", LOOK)).verdict == "allow"
    # what it says nothing of falls to the house
    assert decide(policy, by_model("HTTPRequest", POST)).verdict == "ask"
    assert decide(policy + "\n    otherwise: deny", by_model("FileRead")).verdict == "deny"


def test_no_policy_undoes_the_taint_rules_by_allowing_everything() -> None:
    everything = "rules: [{then: allow}]"
    assert decide(everything, by_model(capabilities=POST)).verdict == "allow"
    asked = decide(everything, by_model(capabilities=POST, labels=["tool:WebFetch"]))
    assert asked.verdict == "ask"
    assert "tool:WebFetch" in asked.reasons[0]
    assert "api.example.com" in asked.reasons[0]
    assert decide(everything, by_model(capabilities=("teleport",))).verdict == "allow"


def test_a_rule_may_take_the_risk_of_the_labels_it_names() -> None:
    policy = """
    rules:
      - {name: own-docs, when: {tool: FileWrite, label: [knowledge]}, then: allow, takes_risk: true}
    """
    told = decide(policy, by_model("FileWrite", WRITE, labels=["knowledge"]))
    assert told.verdict == "allow"
    assert told.reasons == ("rule 'own-docs' takes the risk of what strangers wrote",)
    assert decide(policy, by_model("FileWrite", WRITE, labels=["knowledge", "tool:WebFetch"])).verdict == "ask"
    assert decide(policy, by_model("Shell", EXEC, labels=["knowledge"])).verdict == "ask"


def test_an_asked_call_that_strangers_led_to_says_both() -> None:
    policy = "rules: [{name: writes, when: {capability: write}, then: ask}]"
    reasons = decide(policy, by_model(capabilities=WRITE, labels=["memory"])).reasons
    assert len(reasons) == 2
    assert "memory" in reasons[1]


def test_what_cannot_be_decided_is_denied() -> None:
    broken: Any = ProposedCall("Tool", {}, capabilities=[None])  # type: ignore[list-item]
    decision = PolicyGate(read_policy("rules: [{then: allow}]")).decide(broken)
    assert decision.verdict == "deny"
    assert "could not be worked out" in decision.reasons[0]
    assert decision.policy


def test_a_hash_stands_for_what_is_said_and_not_for_how() -> None:
    said = "rules: [{name: a, when: {tool: [Shell], chosen_by: model}, then: deny}]"
    same = '{"rules": [{"then": "deny", "name": "a", "when": {"chosen_by": "model", "tool": "Shell"}}]}'
    assert policy_hash(read_policy(said)) == policy_hash(read_policy(same))
    assert policy_hash(read_policy(said)) != policy_hash(read_policy(said.replace("model", "flow")))
    # One that is known: a change of the house's rules or laws has to change it, and is noticed here.
    assert policy_hash(read_policy("")) == "4f0d4ae32972e4c0a765afd22796156f379d870bdd963629963edc6347d0bd00"


def test_the_house_can_say_its_own_policy() -> None:
    assert parse_policy(as_data(BUILT_IN)) == BUILT_IN


def test_rules_of_other_people_cost_nothing_and_rules_are_asked_by_tool() -> None:
    rules = [{"name": f"r{n}", "when": {"tool": f"Tool{n}"}, "then": "deny"} for n in range(100)]
    gate = PolicyGate(
        parse_policy({"rules": [*rules, {"name": "x", "when": {"role": "viewer"}, "then": "deny"}]}), DEVELOPER
    )
    assert gate.decide(by_model("Tool7")).verdict == "deny"
    assert gate.decide(by_model("Other")).verdict == "allow"
    explained = gate.explain(by_model("Tool7"))
    assert explained.rule is not None
    assert (explained.rule.name, explained.is_built_in) == ("r7", False)
    assert gate.explain(by_model("Other")).is_built_in
