# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What somebody may decide about a step that waits, and whether it fits a call that waits to be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from accounts.models import Membership
from accounts.tenancy import tenant
from agents.adapters.policies import Holding, gate_of, note_policies
from agents.adapters.shelves.finding import find_shelved
from agents.adapters.toolbox import BUILT_IN_NAMES, BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.engine.answers import listed
from agents.engine.gate import ProposedCall
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.post import ANSWERS
from agents.engine.sizes import is_too_large
from agents.engine.tools import ToolSpec
from agents.errors import CallChanged, CallMisfit, DecisionMisfit
from agents.models import Policy, Run
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue
from codexos.kernel.schemas import mismatches

LONGEST_NOTE = 2_000


class Decision(StrEnum):
    """What may become of a step that waits: of a question to people, and of an effect that may have happened."""

    APPROVE = "approve"
    APPROVE_FOR_RUN = "approve_for_run"
    REJECT = "reject"
    AGAIN = "again"
    DONE = "done"
    FAIL = "fail"

    @property
    def is_answer(self) -> bool:
        """Whether it answers a question to people."""
        return self.value in ANSWERS or self is Decision.APPROVE_FOR_RUN

    @property
    def is_approval(self) -> bool:
        """Whether it lets something happen."""
        return self.is_answer and self is not Decision.REJECT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody decides about a step. ``form`` goes with an answer, ``result`` with ``done``.

    Of a call that waits to be made: the ``hash`` of what they saw, the ``arguments`` to make it with instead, a
    ``note``.
    """

    decision: Decision
    form: JsonValue = None
    result: JsonValue = None
    hash: str | None = None
    arguments: JsonObject | None = None
    note: str = ""

    def about(self, told: JsonObject, *, by: UUID) -> dict[str, JsonValue]:
        """Return what a run is told of a call that waits to be made."""
        data: dict[str, JsonValue] = {"decision": self.decision.value, "hash": told.get("hash"), "by_id": str(by)}
        if self.note:
            data["note"] = self.note
        if self.arguments is not None:
            data["arguments"] = self.arguments
        return data

    @property
    def data(self) -> dict[str, JsonValue]:
        """What the run is told."""
        more: JsonObject = {"form": self.form} if self.decision.is_answer else {"result": self.result}
        return {"decision": self.decision.value, **more}


def insist_on_call(run: Run, told: JsonObject, *, node_id: str, verdict: Verdict) -> None:
    """Refuse what does not fit a call that waits to be made. Raises DecisionMisfit, CallChanged, CallMisfit."""
    decision = verdict.decision
    if not decision.is_answer:
        known = [each.value for each in Decision if each.is_answer]
        raise DecisionMisfit(node_id=node_id, decision=decision.value, known=known)
    if verdict.hash is not None and verdict.hash != told.get("hash"):
        raise CallChanged(node_id=node_id)
    if len(verdict.note) > LONGEST_NOTE:
        raise CallMisfit(node_id=node_id, wrong=[f"The note is longer than {LONGEST_NOTE:,} characters"], place="note")
    if verdict.arguments is not None and (wrong := _edit_troubles(run, told, verdict)):
        raise CallMisfit(node_id=node_id, wrong=wrong)


def _edit_troubles(run: Run, told: JsonObject, verdict: Verdict) -> Sequence[str]:
    if verdict.decision is not Decision.APPROVE:
        return ["Arguments are edited where one call is approved, and nowhere else"]
    if is_too_large({"arguments": verdict.arguments}):
        return ["The arguments are too large, or nest too deep"]
    spec = _spec_of(run, told)
    if spec is None:
        # The run itself looks at it in any case.
        return []
    return mismatches(verdict.arguments, spec.schema) or _denial(run, told, verdict.arguments or {}, spec=spec)


def _spec_of(run: Run, told: JsonObject) -> ToolSpec | None:
    """Return what is known of the tool of a call; None where that is not known here."""
    call = told.get("call")
    name = str(call.get("tool")) if isinstance(call, Mapping) else ""
    try:
        with tenant(run.organization_id):
            place = {"organization_id": run.organization_id, "project_id": run.project_id}
            shelved = {} if name in BUILT_IN_NAMES else find_shelved({name}, **place)
        return BuiltInToolbox(ToolRoom(shelved=shelved)).describe(name)
    except CodexosError:
        return None


def _denial(run: Run, told: JsonObject, arguments: JsonObject, *, spec: ToolSpec) -> Sequence[str]:
    """Say why the policy denies a call as it was edited. What it would ask about is being asked about."""
    call = told.get("call")
    asked = call if isinstance(call, Mapping) else {}
    proposed = ProposedCall(
        spec.name,
        arguments,
        capabilities=spec.capabilities_of(arguments),
        labels=frozenset(map(str, listed(asked.get("labels")))),
        chosen_by="model" if asked.get("chosen_by") == "model" else "flow",
        secrets=list(map(str, listed(asked.get("secrets")))),
        cost_usd=None if spec.cost_usd is None else float(spec.cost_usd),
    )
    decision = _gate_of(run).decide(proposed)
    return ["The policy denies it like this", *decision.reasons] if decision.verdict == "deny" else []


def _gate_of(run: Run) -> PolicyGate:
    with tenant(run.organization_id):
        policies = Policy.objects.for_organization(run.organization_id)
        holding = Holding(run.organization_id, policies.values_list("current_id", flat=True).first())
        note_policies([holding])
        members = Membership.objects.for_organization(run.organization_id).filter(person_id=run.person_id)
        role, project = members.values_list("role", flat=True).first() or "", run.project
        team = {"team": project.team.name, "team_id": str(project.team_id)}
    return gate_of(holding, Caller(role=role, project=project.name, project_id=str(project.pk), **team))
