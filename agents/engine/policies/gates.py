# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the port Gate by a policy: its rules in order, Rego beside them, the taint rules above, and denial below."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

from agents.engine.gate import ALLOWED, Approvers, Decision, ProposedCall, Verdict
from agents.engine.policies.built_in import BUILT_IN
from agents.engine.policies.document import PolicyDocument, Rule, effective_hash
from agents.engine.policies.facts import Caller, Facts, facts_of
from agents.engine.policies.patterns import Test, host_test
from agents.engine.policies.rego import REGO_LAW, RegoDoor, RegoVerdict, ask_rego
from agents.engine.policies.rules import CompiledRule, compile_rules
from agents.engine.policies.taint import LAW, taint_reason

_MOST_KEPT = 1_000
_STRICTNESS: dict[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}


@lru_cache(maxsize=256)
def policy_hash(document: PolicyDocument) -> str:
    """Return the hash of everything an organization's calls are decided by, the house's own part with it."""
    return effective_hash({"organization": document, "built_in": BUILT_IN}, laws=(LAW, REGO_LAW))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and by which rule it came about: None where no rule fits, or where Rego decided."""

    decision: Decision
    rule: Rule | None = None
    is_built_in: bool = False


class PolicyGate:
    """Decides the calls of runs of one caller by one policy. Holds no state of a run, so runs share it.

    ``declared`` are hosts that the operator names beside those of the policy.
    """

    def __init__(
        self,
        document: PolicyDocument,
        caller: Caller = Caller(),  # noqa: B008 - frozen
        *,
        rego: RegoDoor | None = None,
        declared: Sequence[str] = (),
    ) -> None:
        self.policy = policy_hash(document)
        self._caller = caller
        self._document = document
        self._rego = rego
        self._declared: Test = host_test((*(document.hosts or ()), *declared), doubt=False)
        built_in = BUILT_IN.rules if document.otherwise == "built_in" else ()
        self._rules = (*compile_rules(document.rules, caller), *compile_rules(built_in, caller, is_built_in=True))
        self._of_tool: dict[str, Sequence[CompiledRule]] = {}
        self._decided: dict[Hashable, Decision] = {}
        self._allowed = replace(ALLOWED, policy=self.policy)
        self._approvers = document.approvers or Approvers()

    @classmethod
    def of_the_house(cls) -> Self:
        """Return the gate of an organization without a policy of its own, for whoever it may be."""
        return cls(PolicyDocument())

    @property
    def caller(self) -> Caller:
        """On whose behalf the runs are that it decides about."""
        return self._caller

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """The hosts that may be reached; None where the policy narrows nothing."""
        return self._document.hosts

    async def make_ready(self) -> None:
        """See the port: only Rego has to be."""
        if self._rego is not None:
            await self._rego.make_ready()

    def decide(self, call: ProposedCall) -> Decision:
        """See the port."""
        try:
            if self._document.rego is not None:
                return self._explained(facts_of(call)).decision
            # Rules look at nothing else of a call, so calls that are alike in this are decided alike.
            alike = (
                call.tool,
                tuple(call.capabilities),
                call.labels,
                call.chosen_by,
                tuple(call.secrets),
                call.cost_usd,
                call.drawn_hosts,
            )
            kept = self._decided.get(alike)
            return self._decide(alike, call) if kept is None else kept
        except Exception as error:
            return self._denied(f"the policy could not be worked out ({type(error).__name__}), so the call is denied")

    def _decide(self, alike: Hashable, call: ProposedCall) -> Decision:
        if len(self._decided) >= _MOST_KEPT:
            self._decided.clear()
        decision = self._decided[alike] = self._explained(facts_of(call)).decision
        return decision

    def explain(self, call: ProposedCall) -> Explanation:
        """Decide as above, and say by which rule."""
        try:
            return self._explained(facts_of(call))
        except Exception:
            return Explanation(self.decide(call))

    def _explained(self, facts: Facts) -> Explanation:
        found = self._first(facts)
        rule = found.rule if found else None
        decision = self._by_rule(rule, facts.call)
        takes_risk = rule is not None and rule.takes_risk
        rego = self._document.rego
        if rego is not None and (rego.mode == "decides" or decision.verdict != "deny"):
            asked = ask_rego(self._rego, facts, self._caller, decision=decision)
            if rego.mode == "decides":
                rule, found, takes_risk = None, None, asked.takes_risk
                decision = self._by_rego(asked)
            elif _STRICTNESS[asked.verdict] > _STRICTNESS[decision.verdict]:
                rule, found, decision = None, None, self._by_rego(asked)
        if not takes_risk:
            decision = self._with_taint(decision, facts)
        return Explanation(decision, rule, found is not None and found.is_built_in)

    def _first(self, facts: Facts) -> CompiledRule | None:
        tool = facts.call.tool
        rules = self._of_tool.get(tool)
        if rules is None:
            rules = self._keep(tool)
        for rule in rules:
            if rule.fits(facts):
                return rule
        return None

    def _keep(self, tool: str) -> Sequence[CompiledRule]:
        if len(self._of_tool) >= _MOST_KEPT:
            self._of_tool.clear()
        rules = self._of_tool[tool] = tuple(rule for rule in self._rules if rule.names(tool.casefold()))
        return rules

    def _by_rule(self, rule: Rule | None, call: ProposedCall) -> Decision:
        if rule is None:
            return self._denied(f"no rule of the policy allows {call.tool[:200]!r} to be called like this")
        if rule.then == "allow":
            if rule.takes_risk and call.labels:
                return replace(self._allowed, reasons=(f"rule {rule.name!r} takes the risk of what strangers wrote",))
            return self._allowed
        reasons = (f"{rule.reason or 'the policy says so'} (rule {rule.name!r})",)
        return Decision(rule.then, reasons, self.policy, rule.approvers or self._approvers)

    def _by_rego(self, asked: RegoVerdict) -> Decision:
        if asked.verdict == "allow" and not asked.takes_risk:
            return self._allowed
        return Decision(asked.verdict, asked.reasons, self.policy, asked.approvers or self._approvers)

    def _with_taint(self, decision: Decision, facts: Facts) -> Decision:
        if decision.verdict == "deny":
            return decision
        reason = taint_reason(facts, is_declared=self._declared)
        if reason is None:
            return decision
        if decision.verdict == "ask":
            return Decision("ask", (*decision.reasons, reason), self.policy, decision.approvers)
        return Decision("ask", (reason,), self.policy, self._approvers)

    def _denied(self, reason: str) -> Decision:
        return Decision("deny", (reason,), self.policy)
