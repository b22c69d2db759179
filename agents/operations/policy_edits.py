# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Changing the draft of a policy piece by piece, for those who do not write it as text."""

from collections.abc import Callable
from dataclasses import replace

from accounts.actor import Actor
from agents.engine.policies.document import PolicyDocument, as_data
from agents.engine.policies.errors import PolicyRuleNotFound
from agents.engine.policies.texts import parse_policy, read_policy, write_policy
from agents.operations.policies import save_policy_draft
from agents.queries.policies import MANAGE, PolicyState, access_policy
from codexos.kernel.jsontypes import JsonObject, JsonValue

Change = Callable[[PolicyDocument], PolicyDocument]


def set_rule(actor: Actor, *, place: int | None, rule: JsonObject) -> PolicyState:
    """Put a rule in the place of another, or behind all. Raises PolicyInvalid with places in the rule, and as below."""

    def change(document: PolicyDocument) -> PolicyDocument:
        (read,) = parse_policy({"rules": [rule]}).rules
        rules = list(document.rules)
        if place is None:
            rules.append(read)
        else:
            rules[_there(document, place)] = read
        # Once more, for what only all of them together tell.
        return parse_policy(as_data(replace(document, rules=tuple(rules))))

    return _edit(actor, change)


def move_rule(actor: Actor, *, place: int, by: int) -> PolicyState:
    """Have a rule be asked sooner or later. Raises NotAllowed, PolicyInvalid, PolicyRuleNotFound."""

    def change(document: PolicyDocument) -> PolicyDocument:
        rules = list(document.rules)
        rule = rules.pop(_there(document, place))
        rules.insert(max(0, place + by), rule)
        return replace(document, rules=tuple(rules))

    return _edit(actor, change)


def drop_rule(actor: Actor, *, place: int) -> PolicyState:
    """Take a rule out. Raises NotAllowed, PolicyInvalid, PolicyRuleNotFound."""

    def change(document: PolicyDocument) -> PolicyDocument:
        left_out = _there(document, place)
        return replace(document, rules=document.rules[:left_out] + document.rules[left_out + 1 :])

    return _edit(actor, change)


def set_frame(actor: Actor, said: JsonObject) -> PolicyState:
    """Say what is not in rules: ``otherwise``, ``egress``, ``approvers``, ``rego``; None takes one out.

    Raises NotAllowed, PolicyInvalid.
    """

    def change(document: PolicyDocument) -> PolicyDocument:
        data: dict[str, JsonValue] = {**as_data(document), **said}
        return parse_policy({name: value for name, value in data.items() if value is not None})

    return _edit(actor, change)


def rule_of(state: PolicyState, place: int) -> JsonObject:
    """Return a rule of the draft as JSON. Raises PolicyInvalid, PolicyRuleNotFound."""
    document = read_policy(state.draft)
    rules = as_data(document)["rules"]
    there = _there(document, place)
    rule = rules[there] if isinstance(rules, list) else {}
    return rule if isinstance(rule, dict) else {}


def _edit(actor: Actor, change: Change) -> PolicyState:
    state = access_policy(actor, to=MANAGE)
    document = change(read_policy(state.draft))
    return save_policy_draft(actor, source=write_policy(document), expected={state.revision})


def _there(document: PolicyDocument, place: int) -> int:
    if not 0 <= place < len(document.rules):
        raise PolicyRuleNotFound(f"The draft has no rule number {place + 1}. Look at it again.")
    return place
