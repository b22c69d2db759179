# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rules as closures: made once from a document, asked in order; the first that fits a call says what becomes of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agents.engine.gate import Verdict
from agents.engine.policies.document import Patterns, Rule, When
from agents.engine.policies.facts import EGRESS, SECRET, Caller, Facts
from agents.engine.policies.patterns import Test, covers, host_test, meets, plain_words, word_test

Condition = Callable[[Facts], bool]
Words = Callable[[Facts], Sequence[str]]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, which tools it is about, and what else it asks of a call of one."""

    rule: Rule
    names: Test
    fits: Condition
    is_built_in: bool


def compile_rules(rules: Iterable[Rule], caller: Caller, *, is_built_in: bool = False) -> list[CompiledRule]:
    """Make closures of those rules that mean this caller; the others will never fit."""
    return [
        CompiledRule(rule, word_test(rule.when.tool or ("*",)), _all_of(_conditions(rule)), is_built_in)
        for rule in rules
        if _means(rule.when, caller)
    ]


def _means(when: When, caller: Caller) -> bool:
    asked: Sequence[tuple[Patterns | None, Sequence[str]]] = (
        (when.role, (caller.role,)),
        (when.project, (caller.project, caller.project_id)),
        (when.team, (caller.team, caller.team_id)),
    )
    return all(
        patterns is None or meets(word_test(patterns), plain_words(filter(None, words))) for patterns, words in asked
    )


def _all_of(conditions: Sequence[Condition]) -> Condition:
    """Join conditions. Most rules have one or two, and are asked often enough to be spared a loop."""
    match conditions:
        case []:
            return lambda _facts: True
        case [only]:
            return only
        case [first, second]:
            return lambda facts: first(facts) and second(facts)
    first, rest = conditions[0], _all_of(conditions[1:])
    return lambda facts: first(facts) and rest(facts)


def _conditions(rule: Rule) -> list[Condition]:
    when, then = rule.when, rule.then
    made: list[Condition] = []
    if when.chosen_by is not None:
        made.append(lambda facts: facts.call.chosen_by == when.chosen_by)
    if when.capability is not None:
        made.append(_on_capabilities(when, then))
    if when.host is not None:
        made.append(
            _on(when.host, host_test(when.host, doubt=then != "allow"), of=lambda facts: facts.hosts, then=then)
        )
    if when.label is not None:
        made.append(_on(when.label, word_test(when.label), of=lambda facts: facts.labels, then=then))
    if when.secret is not None:
        made.append(_on(when.secret, word_test(when.secret), of=lambda facts: facts.secrets, then=then))
    return made + _cost_conditions(when)


def _on(patterns: Patterns, test: Test, *, of: Words, then: Verdict) -> Condition:
    if not patterns:
        return lambda facts: not of(facts)
    if then == "allow":
        return lambda facts: covers(test, of(facts))
    return lambda facts: meets(test, of(facts))


def _on_capabilities(when: When, then: Verdict) -> Condition:
    patterns, words = when.capability or (), _capabilities(when, then)
    plain = plain_words(patterns)
    if then == "allow" or not patterns or any("*" in each or EGRESS in each for each in plain):
        return _on(patterns, _capability_test(when, then), of=words, then=then)
    return lambda facts: not plain.isdisjoint(facts.capabilities)


def _capability_test(when: When, then: Verdict) -> Test:
    patterns = when.capability or ()
    test = word_test(patterns)
    if then == "allow" or not any(each.casefold().startswith(EGRESS) for each in patterns):
        return test
    # A host that is not known yet may be the one that is meant.
    return lambda word: word == "egress:*" or test(word)


def _capabilities(when: When, then: Verdict) -> Words:
    """Return what of a call's capabilities a rule speaks of: hosts and secrets have conditions of their own."""
    spoken_of = tuple(
        start for start, asked in ((EGRESS, when.host), (SECRET, when.secret)) if asked is not None and then == "allow"
    )
    if not spoken_of or not when.capability:
        return lambda facts: facts.capabilities
    return lambda facts: [each for each in facts.capabilities if not each.startswith(spoken_of)]


def _cost_conditions(when: When) -> list[Condition]:
    above, most = when.cost_above, when.cost_at_most
    made: list[Condition] = []
    if above is not None:
        made.append(lambda facts: _may_cost_more(facts, above))
    if most is not None:
        made.append(lambda facts: not _may_cost_more(facts, most))
    return made


def _may_cost_more(facts: Facts, than: float) -> bool:
    cost = facts.call.cost_usd
    # What spends and does not say how much may cost anything.
    return "spend" in facts.capabilities if cost is None else cost > than
