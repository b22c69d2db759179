# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Policies as people write them: what is wrong with one, and where; Rego text before it is compiled."""

import pytest

from agents.engine.errors import PolicyInvalid
from agents.engine.findings import Findings
from agents.engine.policies.rego_text import check_rego
from agents.engine.policies.texts import EMPTY, read_policy, write_policy

REGO = "package codexos\n\ndecision := input.rules\n"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("rules: 7", "$.rules", "a list of rules"),
        ("rule: []", "$.rule", "Did you mean 'rules'?"),
        ("[]", "$", "must be an object"),
        ("otherwise: maybe", "$.otherwise", "'built_in', 'deny'"),
        ("rules: [{when: {tool: A}}]", "$.rules[0]", "'then'"),
        ("rules: [{then: allow}, {then: perhaps}]", "$.rules[1].then", "one of 'allow', 'ask', 'deny'"),
        ("rules: [{then: allow, when: {hosts: a}}]", "$.rules[0].when.hosts", "Did you mean 'host'?"),
        ("rules: [{then: deny, when: {host: 'https://a.net'}}]", "$.rules[0].when.host", "without https://"),
        ("rules: [{then: deny, when: {host: [a.net, 'a*b.net']}}]", "$.rules[0].when.host[1]", "is no host"),
        ("rules: [{then: deny, when: {host: 'a.net:99999'}}]", "$.rules[0].when.host", "not a port"),
        ("rules: [{then: deny, when: {capability: fly}}]", "$.rules[0].when.capability", "no capability"),
        ("rules: [{then: deny, when: {role: king}}]", "$.rules[0].when.role", "no role"),
        ("rules: [{then: deny, when: {tool: []}}]", "$.rules[0].when.tool", "fits no tool"),
        ("rules: [{then: deny, when: {tool: ''}}]", "$.rules[0].when.tool", "empty word"),
        ("rules: [{then: deny, when: {cost_above: -1}}]", "$.rules[0].when.cost_above", "between"),
        ("rules: [{then: deny, when: {cost_above: true}}]", "$.rules[0].when.cost_above", "a number"),
        ("rules: [{then: deny, approvers: {}}]", "$.rules[0].approvers", "'then' is ask"),
        ("rules: [{then: ask, approvers: {who: [bob]}}]", "$.rules[0].approvers.who[0]", "e-mail"),
        ("rules: [{then: ask, approvers: {people: 9}}]", "$.rules[0].approvers.people", "1 to 5"),
        ("rules: [{then: ask, approvers: {expires_seconds: 1}}]", "$.rules[0].approvers.expires_seconds", "between"),
        ("rules: [{then: allow, takes_risk: true}]", "$.rules[0].takes_risk", "labels"),
        ("rules: [{then: allow, takes_risk: true, when: {label: x}}]", "$.rules[0].takes_risk", "which tools"),
        ("rules: [{then: ask, takes_risk: true, when: {label: x, tool: y}}]", "$.rules[0].takes_risk", "allows"),
        ("rules: [{name: a, then: ask}, {name: a, then: deny}]", "$.rules[1].name", "its own name"),
        ("egress: {}", "$.egress", "an empty list"),
        ("egress: {hosts: ['*']}", "$.egress.hosts[0]", "every host"),
        ("rego: {mode: looser, source: x}", "$.rego.mode", "'stricter', 'decides'"),
        ("rego: {source: 'package other'}", "$.rego.source", "package codexos"),
        ("rules: [{then: &a allow}]", "$", "anchor"),
        ('{"rules": [}', "$", "not JSON"),
        ("rules: [" + "{then: deny}," * 201 + "]", "$.rules", "at most 200"),
        ("x" * 200_001, "$", "200,000"),
    ],
)
def test_everything_wrong_is_told_at_its_place(text: str, place: str, said: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        read_policy(text)
    told = [problem.message.lower() for problem in caught.value.problems if problem.place == place]
    assert any(said.lower() in message for message in told)


def test_places_are_found_in_the_text() -> None:
    with pytest.raises(PolicyInvalid) as caught:
        read_policy("otherwise: built_in\nrules:\n  - then: allow\n    when:\n      tol: Shell\n  - then: no\n")
    spots = [(problem.place, problem.line, problem.column) for problem in caught.value.problems]
    assert spots == [("$.rules[0].when.tol", 5, 7), ("$.rules[1].then", 6, 5)]


def test_a_policy_is_written_as_it_is_read() -> None:
    text = f"""
    otherwise: deny
    egress: {{hosts: [Api.example.com, '*.example.org:8443', '[2001:db8::1]:443']}}
    approvers: {{who: [org_admin], people: 2}}
    rules:
      - {{name: one, when: {{tool: [A, 'B*'], label: [], cost_above: 0.5}}, then: ask, reason: so}}
      - {{then: allow, takes_risk: true, when: {{tool: C, label: knowledge}}}}
    rego: {{mode: decides, source: {REGO!r}}}
    """.replace("'package", '"package').replace("\\n'", '\\n"')
    document = read_policy(text)
    assert document.hosts == ("*.example.org:8443", "[2001:db8::1]:443", "api.example.com")
    for form in ("yaml", "json"):
        assert read_policy(write_policy(document, form=form)) == document
    assert read_policy(EMPTY).is_plain
    assert read_policy(" \n").is_plain


@pytest.mark.parametrize(
    "line",
    [
        'x := http.send({"url": "https://evil.net"})',
        "x := opa.runtime().env",
        'x := opa["runtime"]()',
        "x := count(y) with count as opa.runtime",
        "x := time.now_ns()",
        'x := rand.intn("a", 5)',
        "x := net\n.lookup_ip_addr(y)",
        "# all well\rx := opa.runtime()",
        'x := $"{opa.runtime()}"',
        'x := "a" # "\ny := uuid.rfc4122("x")',
        "x := `\n` ; y := io.jwt.decode(z)",
    ],
)
def test_rego_that_reaches_out_is_refused(line: str) -> None:
    findings = Findings()
    check_rego(f"{REGO}{line}\n", findings)
    assert findings.listed()


@pytest.mark.parametrize(
    "line",
    [
        "x := input.net",
        "# opa.runtime, http.send",
        'x := "http.send $"',
        "x := `opa.runtime`",
        'x := concat("", ["a"])',
        "import rego.v1",
        "x := input.hosts[_] == data.time_zone",
    ],
)
def test_rego_that_only_looks_like_it_is_not(line: str) -> None:
    findings = Findings()
    check_rego(f"{REGO}{line}\n", findings)
    assert findings.listed() == []


def test_a_bomb_of_brackets_is_not_compiled() -> None:
    findings = Findings()
    check_rego(f"{REGO}x := {'[' * 500}{']' * 500}\n", findings)
    assert "nested" in findings.listed()[0].message
