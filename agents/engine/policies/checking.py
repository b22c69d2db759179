# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Is it a policy, and what does it say? Everything wrong is told at once, each at its place."""

from collections.abc import Callable, Mapping
from typing import Any

from accounts.roles import Role
from agents.engine.findings import Findings
from agents.engine.gate import Approvers, ChosenBy, Verdict
from agents.engine.policies.document import Otherwise, PolicyDocument, RegoMode, RegoPart, Rule, When
from agents.engine.policies.fields import MOST_REASON, Field, any_word, host_trouble, named_host_trouble, one_of
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
    top = Field(data, "$", findings).members(_TOP)
    return PolicyDocument(
        rules=_rules(top["rules"]) if "rules" in top else (),
        otherwise=top["otherwise"].choice(_OTHERWISE, otherwise="deny") if "otherwise" in top else "built_in",
        hosts=_hosts(top["egress"]) if "egress" in top else None,
        approvers=_approvers(top["approvers"]) if "approvers" in top else None,
        rego=_rego(top["rego"]) if "rego" in top and top["rego"].value is not None else None,
    )


def _hosts(field: Field) -> tuple[str, ...]:
    egress = field.members(("hosts",))
    if "hosts" not in egress:
        field.refuse("Say which 'hosts' may be reached; an empty list lets none be reached.")
        return ()
    return tuple(sorted({host.lower() for host in egress["hosts"].words(trouble=named_host_trouble)}))


def _rego(field: Field) -> RegoPart:
    rego = field.members(("mode", "source"))
    mode = rego["mode"].choice(_MODES, otherwise="stricter") if "mode" in rego else "stricter"
    source = rego["source"].text(most=MOST_REGO_CHARACTERS) if "source" in rego else ""
    check_rego(source, field.findings)
    return RegoPart(source, mode)


def _rules(field: Field) -> tuple[Rule, ...]:
    listed = field.value
    if not isinstance(listed, list | tuple):
        field.refuse("This must be a list of rules.")
        return ()
    if len(listed) > MOST_RULES:
        field.refuse(f"There are {len(listed):,} rules; at most {MOST_RULES} are taken. Join some.")
        return ()
    places = [field.under(index, each) for index, each in enumerate(listed)]
    rules = tuple(_rule(place, f"rule-{number}") for number, place in enumerate(places, 1))
    seen: set[str] = set()
    for rule, place in zip(rules, places, strict=True):
        if rule.name in seen:
            place.under("name", None).refuse(f"Another rule is called {rule.name!r}. Give each its own name.")
        seen.add(rule.name)
    return rules


def _rule(field: Field, name: str) -> Rule:
    said = field.members(_RULE)
    if isinstance(field.value, Mapping) and "then" not in said:
        field.refuse("The rule does not say what to do. Give it 'then': allow, ask or deny.")
    rule = Rule(
        name=said["name"].text(most=80) if "name" in said else name,
        then=said["then"].choice(_VERDICTS, otherwise="deny") if "then" in said else "deny",
        when=_when(said["when"]) if "when" in said else When(),
        reason=said["reason"].text(most=MOST_REASON) if "reason" in said else "",
        approvers=_approvers(said["approvers"]) if "approvers" in said else None,
        takes_risk=said["takes_risk"].flag() if "takes_risk" in said else False,
    )
    _check_sense(rule, said)
    return rule


def _check_sense(rule: Rule, said: Mapping[str, Field]) -> None:
    if rule.approvers is not None and rule.then != "ask":
        said["approvers"].refuse("Approvers are asked only where 'then' is ask.")
    if not rule.takes_risk:
        return
    risk, when = said["takes_risk"], rule.when
    if rule.then != "allow":
        risk.refuse("Only a rule that allows can take a risk.")
    if not when.label:
        risk.refuse("Name in 'when' the labels of the text that is trusted this far, as in label: knowledge.")
    if not (when.tool or when.capability or when.host):
        risk.refuse("Name in 'when' which tools, capabilities or hosts the risk is taken for.")


def _approvers(field: Field) -> Approvers:
    said = field.members(_APPROVERS)
    expires = said.get("expires_seconds")
    return Approvers(
        deciders=said["who"].words(trouble=_decider_trouble) if "who" in said else (),
        not_requester=said["not_requester"].flag() if "not_requester" in said else False,
        people=_people(said["people"]) if "people" in said else 1,
        expires_seconds=None if expires is None or expires.value is None else expires.number(60, LONGEST_EXPIRY),
    )


def _people(field: Field) -> int:
    people = field.value
    if isinstance(people, bool) or not isinstance(people, int) or not 1 <= people <= MOST_PEOPLE:
        field.refuse(f"This must be a whole number from 1 to {MOST_PEOPLE}.")
        return 1
    return people


def _decider_trouble(word: str) -> str | None:
    name, at, domain = word.partition("@")
    if word in _ROLES or (name and at and "." in domain and not word.split()[1:]):
        return None
    return f"Write an e-mail address, or a role: {', '.join(_ROLES)}."


_CAPABILITIES = ("read", "write", "exec", "spend", "egress", "secret")


def _capability_trouble(word: str) -> str | None:
    kind = word.partition(":")[0]
    if "*" in kind or kind in _CAPABILITIES:
        return None
    return f"This is no capability. There are {', '.join(_CAPABILITIES[:4])}, egress:<host> and secret:<name>."


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
_NAMED = ("tool", "role", "project", "team")
_COSTS = ("cost_above", "cost_at_most")


def _when(field: Field) -> When:
    read: dict[str, Any] = {}
    for name, said in field.members((*_WORDS, "chosen_by", *_COSTS)).items():
        if name in _WORDS:
            read[name] = _patterns(name, said)
        elif name in _COSTS:
            read[name] = said.number(0, 1_000_000)
        else:
            read[name] = said.choice(_CHOSEN_BY, otherwise="model")
    return When(**read)


def _patterns(name: str, field: Field) -> tuple[str, ...]:
    if name in _NAMED and isinstance(field.value, list | tuple) and not field.value:
        field.refuse(f"An empty list fits no {name}. Name some, or leave it out.")
    return field.words(trouble=_WORDS[name])
