# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps the engine's port Trail: what was decided about the calls of a run goes into its organization's audit trail.

It is written in the very commit that writes the journal's entries about them, by whoever writes those: a call whose
entry of the trail is not durable is not intended, so it is not made.

Calls that only look, and that the policy simply allows, are written down once for each kind and take of the run, with
what came of the others like it counted when the run ends or rests: an agent that reads a thousand files would
otherwise fill the trail with the same line. The journal has each of them, with its policy.
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

Kind = tuple[str | tuple[str, ...], ...]

MOST_KINDS = 1_000
"""So many kinds of calls are counted for a run; others are written down each."""
_LOOKING = frozenset({"read"})


class RunTrail:
    """What the trail is to be told of one run with its next commit."""

    def __init__(self, standing: Standing, *, run_id: UUID) -> None:
        self._standing = standing
        self._run_id = run_id
        self._noted: list[JsonObject] = []
        self._looks: dict[Kind, int] = {}

    def note_calls(self, calls: Sequence[NotedCall]) -> None:
        """See the port."""
        for noted in calls:
            if not (_only_looks(noted) and self._is_one_more(kind_of(noted.call, noted.decision))):
                self._noted.append(self._deed(noted.action, _details_of(noted)))

    def take(self, *, is_last: bool = False) -> Sequence[JsonObject]:
        """Hand over what was noted, to be written now; ``is_last`` before the run ends or rests."""
        noted, self._noted = self._noted, []
        if is_last:
            more = [(kind, times) for kind, times in self._looks.items() if times]
            noted += [self._deed("tool.called", {**_fitted(*kind), "times_more": times}) for kind, times in more]
            self._looks.clear()
        return noted

    def _is_one_more(self, kind: "Kind") -> bool:
        """Count a call; whether one like it was written down before."""
        before = self._looks.get(kind)
        if before is not None or len(self._looks) < MOST_KINDS:
            self._looks[kind] = 0 if before is None else before + 1
        return before is not None

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
    return _fitted(*kind_of(call, decision))


def kind_of(call: ProposedCall, decision: Decision) -> Kind:
    """Say what calls have in common that the trail tells alike."""
    touched = (tuple(call.capabilities), tuple(call.secrets), tuple(sorted(call.labels)))
    return (call.tool, *touched, call.chosen_by, decision.verdict, tuple(decision.reasons), decision.policy)


def _only_looks(noted: NotedCall) -> bool:
    """Whether a call was let through unasked and can neither change, spend nor open anything, nor reach a host."""
    call = noted.call
    is_plain = noted.action == "tool.called" and noted.decision.verdict == "allow" and not noted.hash
    return is_plain and call.cost_usd is None and not call.secrets and _LOOKING.issuperset(call.capabilities)


def _details_of(noted: NotedCall) -> JsonObject:
    details: dict[str, JsonValue] = {**told_of(noted.call, noted.decision), "step": _fitted_label(noted.step)}
    if noted.call.cost_usd is not None:
        details["cost_usd"] = noted.call.cost_usd
    if noted.hash:
        details["hash"] = noted.hash
    return details


# Looking for what seems to be a token takes a quarter of a millisecond, and most calls are like one before.
@lru_cache(maxsize=1_000)
def _fitted(*told: str | tuple[str, ...]) -> JsonObject:
    details: dict[str, JsonValue] = {
        name: list(said) if isinstance(said, tuple) else said for name, said in zip(_TOLD, told, strict=True)
    }
    return fit_details(details)


_TOLD = ("tool", "capabilities", "vault", "labels", "chosen_by", "verdict", "reasons", "policy")
_fitted_label = lru_cache(maxsize=1_000)(fit_label)
