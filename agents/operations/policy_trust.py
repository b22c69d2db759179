# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rules that are ready to be taken: for calls like one that people are asked about, and for what many ask."""

from dataclasses import dataclass, replace

from accounts.actor import Actor
from accounts.queries.grants import load_actor
from accounts.tenancy import in_organization
from agents.adapters.policies import make_gate
from agents.engine.gate import ProposedCall
from agents.engine.policies.document import PolicyDocument, as_data
from agents.engine.policies.errors import PolicyRuleNotFound
from agents.engine.policies.facts import Caller
from agents.engine.policies.ready_made import ready_made, rule_trusting
from agents.engine.policies.texts import parse_policy, read_policy, write_policy
from agents.engine.policies.trials import read_call
from agents.errors import ApprovalNotFound, TrustNotPossible
from agents.operations.policies import save_policy_draft, switch_on_policy
from agents.operations.policy_edits import set_rule
from agents.queries.approvals import ApprovalView, open_question
from agents.queries.policies import MANAGE, access_policy
from codexos.kernel.jsontypes import JsonObject


@dataclass(frozen=True, slots=True)
class Trusted:
    """The rule that was made, and whether it holds already: not where a draft waits that says more."""

    name: str
    holds: bool


def trust_calls_like(actor: Actor, approval_id: str) -> Trusted:
    """Have calls like one that waits pass in its project from now on: nothing wider than what people see of it.

    Raises ApprovalNotFound, NotAllowed, TrustNotPossible, PolicyInvalid, PolicyChanged.
    """
    state = access_policy(actor, to=MANAGE)
    question = open_question(actor, approval_id)
    if question is None or question.wait.call is None:
        raise ApprovalNotFound("That call is not asked about any more. Look at what waits.")
    document = read_policy(state.draft)
    rule = rule_trusting(
        question.wait.call, project=question.run.project.slug, taken=[each.name for each in document.rules]
    )
    after = _with_rule(document, rule, proposed=_proposed(actor, question))
    kept = save_policy_draft(actor, source=write_policy(after), expected={state.revision})
    if state.has_draft:
        return Trusted(str(rule["name"]), holds=False)
    switch_on_policy(actor, note=f"Trust in {question.wait.call.get('tool')}"[:400], expected={kept.revision})
    return Trusted(str(rule["name"]), holds=True)


def take_ready_made(actor: Actor, key: str) -> None:
    """Put a rule that is ready into the draft. Raises PolicyRuleNotFound, NotAllowed, PolicyInvalid."""
    rule = ready_made(key)
    if rule is None:
        raise PolicyRuleNotFound(f"There is no ready rule {key[:80]!r}.")
    set_rule(actor, place=None, rule=rule)


def _with_rule(document: PolicyDocument, rule: JsonObject, *, proposed: tuple[ProposedCall, Caller]) -> PolicyDocument:
    """Put the rule before what has this call asked about, and see that it does what was wanted."""
    (read,), (call, caller) = parse_policy({"rules": [rule]}).rules, proposed
    asked_by = make_gate(document, caller).explain(call).rule
    rules = list(document.rules)
    place = rules.index(asked_by) if asked_by in rules else len(rules)
    rules.insert(place, read)
    after = parse_policy(as_data(replace(document, rules=tuple(rules))))
    if make_gate(after, caller).decide(call).verdict != "allow":
        raise TrustNotPossible(tool=call.tool)
    return after


@in_organization
def _proposed(actor: Actor, question: ApprovalView) -> tuple[ProposedCall, Caller]:
    call, project = question.wait.call or {}, question.run.project
    requester = load_actor(question.run.person, organization_id=question.run.organization_id)
    asked = read_call({name: call[name] for name in _OF_A_CALL if call.get(name) is not None}).call
    caller = Caller(
        role=requester.role.value if requester else "",
        project=project.slug,
        project_id=str(project.pk),
        team=project.team.slug,
        team_id=str(project.team_id),
    )
    return asked, caller


_OF_A_CALL = ("tool", "arguments", "capabilities", "labels", "chosen_by", "secrets", "cost_usd")
