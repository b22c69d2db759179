# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The policy of an organization: drafted, tried on calls that were made, switched on, and gone back to."""

from collections.abc import Collection
from dataclasses import replace
from functools import cache, partial

from accounts.actor import Actor
from accounts.models import Organization
from accounts.operations.audit import record_event
from accounts.operations.names import clean_name
from accounts.queries.access import insist_in_organization
from accounts.tenancy import in_organization
from agents.adapters.policies import make_gate
from agents.adapters.rego import compile_rego
from agents.engine.errors import PolicyInvalid, Problem
from agents.engine.gate import Decision, ProposedCall
from agents.engine.policies.document import PolicyDocument, as_data, document_hash
from agents.engine.policies.errors import PolicyChanged, PolicyUnchanged, RegoNotAtHand
from agents.engine.policies.facts import Caller, facts_of
from agents.engine.policies.rego import rego_input
from agents.engine.policies.texts import MOST_CHARACTERS, read_policy
from agents.engine.policies.trials import GateOf, PolicyTrial, TriedCall, read_call, try_on
from agents.engine.tools import ToolSpec
from agents.models import Policy, PolicyVersion
from agents.operations.tools import list_tools
from agents.queries.past_calls import read_past_calls
from agents.queries.policies import MANAGE, PolicyState, access_policy, access_policy_version, document_of
from codexos.kernel import clock
from codexos.kernel.jsontypes import JsonValue

NOTE_LENGTH = 500
_SAMPLE = ProposedCall("HTTPRequest", {"url": "https://example.com/"}, capabilities=("read", "egress:example.com"))


def check_policy_text(actor: Actor, source: str) -> list[Problem]:
    """Return everything wrong with the text of a policy, also what Rego says of its part. Raises NotAllowed."""
    insist_in_organization(actor, MANAGE)
    try:
        _understood(source)
    except PolicyInvalid as error:
        return list(error.problems)
    except RegoNotAtHand as error:
        return [Problem("$.rego.source", error.message)]
    return []


@in_organization
def save_policy_draft(actor: Actor, *, source: str, expected: Collection[int] | None = None) -> PolicyState:
    """Keep a text as the draft, also one that is no policy yet; what holds is not touched.

    ``expected`` are the revisions it may have been made from. Raises NotAllowed, PolicyChanged, PolicyInvalid where it
    is too long to be kept.
    """
    row = _hold(actor, expected=expected)
    text = source.replace("\r\n", "\n")
    if len(text) > MOST_CHARACTERS or "\x00" in text:
        raise PolicyInvalid([Problem("$", f"A policy has at most {MOST_CHARACTERS:,} characters, and no NUL.")])
    row.draft, row.drafted_by_id, row.drafted_at = text, actor.person_id, clock.now()
    row.revision += 1
    row.save(update_fields=["draft", "drafted_by", "drafted_at", "revision"])
    record_event(actor, "policy.drafted", about=row, revision=row.revision)
    return access_policy(actor, to=MANAGE)


@in_organization
def drop_policy_draft(actor: Actor) -> PolicyState:
    """Forget the draft, and begin anew from what holds. Raises NotAllowed."""
    row = _hold(actor)
    row.draft, row.drafted_by, row.drafted_at = "", None, None
    row.revision += 1
    row.save(update_fields=["draft", "drafted_by", "drafted_at", "revision"])
    record_event(actor, "policy.draft_dropped", about=row, revision=row.revision)
    return access_policy(actor, to=MANAGE)


def switch_on_policy(actor: Actor, *, note: str = "", expected: Collection[int] | None = None) -> PolicyVersion:
    """Have the draft hold for every run that is taken up from now on.

    Raises NotAllowed, PolicyInvalid with every problem, RegoNotAtHand, PolicyChanged, PolicyUnchanged, NameInvalid.
    """
    state = access_policy(actor, to=MANAGE)
    # Outside of the transaction: compiling Rego may take a while.
    document = _understood(state.draft)
    return _switch_on(
        actor, source=state.draft, document=document, note=note, expected=expected or {state.revision}, restored=None
    )


def restore_policy(actor: Actor, number: str | int, *, note: str = "") -> PolicyVersion:
    """Have a state that held before hold again, as a new version.

    Raises PolicyVersionNotFound, and what ``switch_on_policy`` raises.
    """
    insist_in_organization(actor, MANAGE)
    old = access_policy_version(actor, number)
    return _switch_on(
        actor, source=old.source, document=_understood(old.source), note=note, expected=None, restored=old.number
    )


@in_organization
def _switch_on(
    actor: Actor,
    *,
    source: str,
    document: PolicyDocument,
    note: str,
    expected: Collection[int] | None,
    restored: int | None,
) -> PolicyVersion:
    row = _hold(actor, expected=expected)
    if document == document_of(row.current):
        raise PolicyUnchanged
    last = PolicyVersion.objects.for_organization(actor.organization_id).order_by("-number").first()
    version = PolicyVersion.objects.create(
        organization_id=actor.organization_id,
        number=last.number + 1 if last else 1,
        source=source,
        document=as_data(document),
        sha256=document_hash(document),
        note=clean_name(note, place="note", may_be_blank=True, at_most=NOTE_LENGTH),
        restored=restored,
        person_id=actor.person_id,
    )
    row.current = version
    row.draft, row.drafted_by, row.drafted_at = "", None, None
    row.revision += 1
    row.save()
    record_event(
        actor,
        "policy.switched_on",
        about=version,
        number=version.number,
        sha256=version.sha256,
        restored=restored,
        rules=len(document.rules),
        takes_risk=[rule.name for rule in document.rules if rule.takes_risk][:50],
        rego=document.rego.mode if document.rego else None,
        otherwise=document.otherwise,
    )
    return version


def try_policy(actor: Actor, *, source: str | None = None) -> PolicyTrial:
    """Say what a text would change for the calls of the newest runs; of the draft where none is given.

    Raises NotAllowed, PolicyInvalid, RegoNotAtHand.
    """
    state = access_policy(actor, to=MANAGE)
    document = _understood(state.draft if source is None else source)
    past = read_past_calls(actor)
    calls, unknown = list(past.calls), 0
    specs = {offer.spec.name: offer.spec for offer in list_tools(actor)} if past.bare else {}
    for bare in past.bare:
        spec = specs.get(bare.call.tool)
        unknown += spec is None
        if spec is not None:
            calls.append(replace(bare, call=_touching(bare.call, spec)))
    changed, counts = try_on(calls, before=_gates_of(state.document), after=_gates_of(document))
    _note_trial(actor, len(calls))
    return PolicyTrial(
        tried=len(calls),
        counts=counts,
        changed=changed,
        expired=past.expired,
        without_arguments=sum(not call.knows_arguments for call in calls),
        unknown_tools=unknown,
    )


def try_policy_on(actor: Actor, *, call: JsonValue, source: str | None = None) -> TriedCall:
    """Say what a text, or the draft, says of one call that somebody typed, beside what holds.

    A call that does not say what it touches touches what its tool says. Raises NotAllowed, ProposedCallInvalid,
    PolicyInvalid, RegoNotAtHand.
    """
    state = access_policy(actor, to=MANAGE)
    past = read_call(call)
    document = _understood(state.draft if source is None else source)
    if not past.call.capabilities and not (isinstance(call, dict) and "capabilities" in call):
        specs = {offer.spec.name: offer.spec for offer in list_tools(actor)}
        if past.call.tool in specs:
            past = replace(past, call=_touching(past.call, specs[past.call.tool]))
    before, after = (_gates_of(each)(past.caller).explain(past.call) for each in (state.document, document))
    return TriedCall(past, before, after)


def _touching(call: ProposedCall, spec: ToolSpec) -> ProposedCall:
    try:
        touched = tuple(spec.capabilities_of(call.arguments))
    except Exception:
        # What was written down of a call may be cut; then it may touch all that its tool may.
        touched = tuple(spec.capabilities)
    return replace(call, capabilities=touched)


def _gates_of(document: PolicyDocument) -> GateOf:
    return cache(partial(make_gate, document))


@in_organization
def _note_trial(actor: Actor, tried: int) -> None:
    record_event(actor, "policy.tried", calls=tried)


def _understood(source: str) -> PolicyDocument:
    document = read_policy(source)
    if document.rego is not None:
        sample = rego_input(facts_of(_SAMPLE), Caller(), decision=Decision("allow"))
        compile_rego(document.rego.source, sample=sample)
    return document


def _hold(actor: Actor, *, expected: Collection[int] | None = None) -> Policy:
    """Return the row, nobody else's to change until the transaction ends. Raises NotAllowed, PolicyChanged."""
    insist_in_organization(actor, MANAGE)
    # So that two who are first do not both make it.
    Organization.objects.select_for_update().get(pk=actor.organization_id)
    rows = Policy.objects.for_organization(actor.organization_id)
    row = rows.select_for_update(of=("self",)).select_related("current").first()
    if row is None:
        row = Policy.objects.create(organization_id=actor.organization_id)
    if expected is not None and row.revision not in expected:
        raise PolicyChanged(revision=row.revision)
    return row
