# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's port Trail: what was decided about the calls of a run goes into its organization's audit trail.

It is written in the very commit that writes the journal's entries about them, by whoever writes those: a call whose
entry of the trail is not durable is not intended, so it is not made.
"""

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from accounts.operations.audit import fit_details, fit_label
from agents.adapters.standing import Standing
from agents.engine.gate import Decision, ProposedCall
from agents.engine.ports import NotedCall
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue


class RunTrail:
    """What the trail is to be told of one run with its next commit."""

    def __init__(self, standing: Standing, *, run_id: UUID) -> None:
        self._standing = standing
        self._run_id = run_id
        self._noted: list[JsonObject] = []

    def note_calls(self, calls: Sequence[NotedCall]) -> None:
        """See the port."""
        for noted in calls:
            details: dict[str, JsonValue] = {**told_of(noted.call, noted.decision), "step": _fitted_label(noted.step)}
            if noted.call.cost_usd is not None:
                details["cost_usd"] = noted.call.cost_usd
            if noted.hash:
                details["hash"] = noted.hash
            self._noted.append(self._deed(noted.action, details))

    def take(self) -> Sequence[JsonObject]:
        """Hand over what was noted, to be written now."""
        noted, self._noted = self._noted, []
        return noted

    def _deed(self, action: str, details: JsonObject) -> JsonObject:
        return {
            "run_id": str(self._run_id),
            "id": str(new_id()),
            "actor_id": str(self._standing.person_id),
            "actor_label": _fitted_label(self._standing.name),
            "action": action,
            "details": details,
        }


def told_of(call: ProposedCall, decision: Decision) -> JsonObject:
    """Say of a call what the trail keeps: everything but what it is called with. Secrets stand there by their keys."""
    touched = (tuple(call.capabilities), tuple(call.secrets), tuple(sorted(call.labels)))
    return _fitted(call.tool, *touched, call.chosen_by, decision.verdict, tuple(decision.reasons), decision.policy)


# Looking for what seems to be a token takes a quarter of a millisecond, and most calls are like one before.
@lru_cache(maxsize=1_000)
def _fitted(*told: str | tuple[str, ...]) -> JsonObject:
    details: dict[str, JsonValue] = {
        name: list(said) if isinstance(said, tuple) else said for name, said in zip(_TOLD, told, strict=True)
    }
    return fit_details(details)


_TOLD = ("tool", "capabilities", "vault", "labels", "chosen_by", "verdict", "reasons", "policy")
_fitted_label = lru_cache(maxsize=1_000)(fit_label)
