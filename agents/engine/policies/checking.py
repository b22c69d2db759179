# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Is it a policy, and what does it say? Everything wrong is told at once, each at its place."""

from collections.abc import Callable, Mapping
from typing import Any

from accounts.roles import Role
from agents.engine.findings import Findings
from agents.engine.gate import Approvers, ChosenBy, Verdict
from agents.engine.places import inside
from agents.engine.policies.document import Otherwise, PolicyDocument, RegoMode, RegoPart, Rule, When
from agents.engine.policies.fields import (
    MOST_PATTERNS,
    MOST_REASON,
    any_word,
    choice_at,
    flag_at,
    host_trouble,
    named_host_trouble,
    number_at,
    object_at,
    one_of,
    text_at,
    words_at,
)
from agents.engine.policies.rego_text import MOST_REGO_CHARACTERS, check_rego
from codexos.kernel.jsontypes import JsonValue

MOST_RULES = 200
MOST_PEOPLE = 5
LONGEST_EXPIRY = 30 * 24 * 3600.0

_ROLES = tuple(role.value for role in Role)
_OTHERWISE: tuple[Otherwise, ...] = ("built_in", "deny")
_VERDICTS: tuple[Verdict, ...] = ("allow", "ask", "deny")
_CHOSEN_BY: tuple[ChosenBy, ...] = ("flow", "model")
_MODES: tuple[RegoMode, ...] = ("stricter", "decides")
_TOP = ("otherwise", "egress", "approvers", "rules", "rego")
_RULE = ("name", "when", "then", "takes_risk", "approvers", "reason")
_APPROVERS = ("who", "not_requester", "people", "expires_seconds")


def check_policy(data: JsonValue, findings: Findings) -> PolicyDocument:
    """Read a policy; what cannot be read is told in ``findings`` and left out."""
    top = object_at(data, "$", _TOP, findings)
    return PolicyDocument(
        rules=_rules(top.get("rules", ()), findings),
        otherwise=choice_at(
            top.get("otherwise", "built_in"), "$.otherwise", findings, choices=_OTHERWISE, otherwise="deny"
        ),
        hosts=_hosts(top["egress"], findings) if "egress" in top else None,
        approvers=_approvers(top["approvers"], "$.approvers", findings) if "approvers" in top else None,
        rego=_rego(top["rego"], findings) if top.get("rego") is not None else None,
    )


def _hosts(value: JsonValue, findings: Findings) -> tuple[str, ...]:
    egress = object_at(value, "$.egress", ("hosts",), findings)
    if "hosts" not in egress:
        findings.error("$.egress", "Say which 'hosts' may be reached; an empty list lets none be reached.")
        return ()
    hosts = words_at(egress["hosts"], "$.egress.hosts", findings, trouble=named_host_trouble)
    return tuple(sorted({host.lower() for host in hosts}))


def _rego(value: JsonValue, findings: Findings) -> RegoPart:
    rego = object_at(value, "$.rego", ("mode", "source"), findings)
    mode = choice_at(rego.get("mode", "stricter"), "$.rego.mode", findings, choices=_MODES, otherwise="stricter")
    source = text_at(rego.get("source", ""), "$.rego.source", findings, most=MOST_REGO_CHARACTERS)
    check_rego(source, findings)
    return RegoPart(source, mode)


def _rules(value: JsonValue, findings: Findings) -> tuple[Rule, ...]:
    if not isinstance(value, list | tuple):
        findings.error("$.rules", "This must be a list of rules.")
        return ()
    if len(value) > MOST_RULES:
        findings.error("$.rules", f"There are {len(value):,} rules; at most {MOST_RULES} are taken. Join some.")
        return ()
    rules = tuple(_rule(each, f"$.rules[{index}]", index, findings) for index, each in enumerate(value))
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.name in seen:
            findings.error(f"$.rules[{index}].name", f"Another rule is called {rule.name!r}. Give each its own name.")
        seen.add(rule.name)
    return rules


def _rule(value: JsonValue, place: str, index: int, findings: Findings) -> Rule:
    said = object_at(value, place, _RULE, findings)
    if isinstance(value, Mapping) and "then" not in said:
        findings.error(place, "The rule does not say what to do. Give it 'then': allow, ask or deny.")
    rule = Rule(
        name=text_at(said["name"], f"{place}.name", findings, most=80) if "name" in said else f"rule-{index + 1}",
        then=choice_at(said["then"], f"{place}.then", findings, choices=_VERDICTS, otherwise="deny")
        if "then" in said
        else "deny",
        when=_when(said.get("when", {}), f"{place}.when", findings),
        reason=text_at(said.get("reason", ""), f"{place}.reason", findings, most=MOST_REASON),
        approvers=_approvers(said["approvers"], f"{place}.approvers", findings) if "approvers" in said else None,
        takes_risk=flag_at(said.get("takes_risk", False), f"{place}.takes_risk", findings),
    )
    _check_sense(rule, place, findings)
    return rule


def _check_sense(rule: Rule, place: str, findings: Findings) -> None:
    if rule.approvers is not None and rule.then != "ask":
        findings.error(f"{place}.approvers", "Approvers are asked only where 'then' is ask.")
    if not rule.takes_risk:
        return
    if rule.then != "allow":
        findings.error(f"{place}.takes_risk", "Only a rule that allows can take a risk.")
    if not rule.when.label:
        findings.error(
            f"{place}.takes_risk",
            "Name in 'when' the labels of the text that is trusted this far, as in label: knowledge.",
        )
    if not (rule.when.tool or rule.when.capability or rule.when.host):
        findings.error(
            f"{place}.takes_risk", "Name in 'when' which tools, capabilities or hosts the risk is taken for."
        )


def _approvers(value: JsonValue, place: str, findings: Findings) -> Approvers:
    said = object_at(value, place, _APPROVERS, findings)
    people, expires = said.get("people", 1), said.get("expires_seconds")
    if isinstance(people, bool) or not isinstance(people, int) or not 1 <= people <= MOST_PEOPLE:
        findings.error(f"{place}.people", f"This must be a whole number from 1 to {MOST_PEOPLE}.")
        people = 1
    return Approvers(
        deciders=words_at(said.get("who", ()), f"{place}.who", findings, trouble=_decider_trouble),
        not_requester=flag_at(said.get("not_requester", False), f"{place}.not_requester", findings),
        people=people,
        expires_seconds=None
        if expires is None
        else number_at(expires, f"{place}.expires_seconds", findings, between=(60, LONGEST_EXPIRY)),
    )


def _decider_trouble(word: str) -> str | None:
    name, at, domain = word.partition("@")
    if word in _ROLES or (name and at and "." in domain and not word.split()[1:]):
        return None
    return f"Write an e-mail address, or a role: {', '.join(_ROLES)}."


_capabilities = ("read", "write", "exec", "spend", "egress", "secret")


def _capability_trouble(word: str) -> str | None:
    kind = word.partition(":")[0]
    if "*" in kind or kind in _capabilities:
        return None
    return f"This is no capability. There are {', '.join(_capabilities[:4])}, egress:<host> and secret:<name>."


_WORDS: Mapping[str, Callable[[str], str | None]] = {
    "tool": any_word,
    "capability": _capability_trouble,
    "host": host_trouble,
    "label": any_word,
    "secret": any_word,
    "role": one_of(_ROLES, "role"),
    "project": any_word,
    "team": any_word,
}
_COSTS = ("cost_above", "cost_at_most")


def _when(value: JsonValue, place: str, findings: Findings) -> When:
    said = object_at(value, place, (*_WORDS, "chosen_by", *_COSTS), findings)
    read: dict[str, Any] = {}
    for name, item in said.items():
        at = inside(place, name)
        if name in _WORDS:
            read[name] = _patterns(name, item, at, findings)
        elif name in _COSTS:
            read[name] = number_at(item, at, findings, between=(0, 1_000_000))
        elif name == "chosen_by":
            read[name] = choice_at(item, at, findings, choices=_CHOSEN_BY, otherwise="model")
    return When(**read)


def _patterns(name: str, value: JsonValue, place: str, findings: Findings) -> tuple[str, ...]:
    words = words_at(value, place, findings, trouble=_WORDS[name])
    if not words and name in ("tool", "role", "project", "team") and len(findings.listed()) == 0:
        findings.error(place, f"An empty list fits no {name}. Name some, of at most {MOST_PATTERNS}, or leave it out.")
    return words
