# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What somebody may decide about a step that waits, and whether it fits a call that waits to be made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from accounts.tenancy import tenant
from agents.adapters.shelves.finding import find_shelved
from agents.adapters.toolbox import BUILT_IN_NAMES, BuiltInToolbox
from agents.adapters.tools.room import ToolRoom
from agents.engine.post import ANSWERS
from agents.engine.sizes import is_too_large
from agents.errors import CallChanged, CallMisfit, DecisionMisfit
from agents.models import Run
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
    schema = _schema_of(run, told)
    return [] if schema is None else mismatches(verdict.arguments, schema)


def _schema_of(run: Run, told: JsonObject) -> JsonObject | None:
    """Return what a tool takes; None where that is not known here: the run itself checks it in any case."""
    call = told.get("call")
    name = str(call.get("tool")) if isinstance(call, Mapping) else ""
    try:
        with tenant(run.organization_id):
            place = {"organization_id": run.organization_id, "project_id": run.project_id}
            shelved = {} if name in BUILT_IN_NAMES else find_shelved({name}, **place)
        return BuiltInToolbox(ToolRoom(shelved=shelved)).describe(name).schema
    except CodexosError:
        return None
