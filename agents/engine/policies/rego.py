# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rego beside the rules: what it is told of a call, what it may answer, and what counts as no."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from agents.engine.gate import Approvers, Decision, Verdict
from agents.engine.policies.facts import Caller, Facts
from codexos.kernel.jsontypes import JsonObject, JsonValue

REGO_LAW = "rego/1"
"""Changes with what Rego is told, and with it every policy's hash."""

MOST_INPUT_CHARACTERS = 200_000
_MOST_TEXT = 20_000
_MOST_REASONS = 10
_MOST_REASON = 500


class RegoDoor(Protocol):
    """Where one text in Rego is evaluated: shut in, in bounded time."""

    async def make_ready(self) -> None:
        """Have it compiled by the time it is asked, while others go on."""
        ...

    def evaluate(self, input: str) -> JsonValue:
        """Return ``data.codexos.decision`` for an input in JSON; None where it is undefined. Raises CodexosError."""
        ...


@dataclass(frozen=True, slots=True)
class RegoVerdict:
    """What Rego said of a call, as far as it may."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    approvers: Approvers | None = None
    takes_risk: bool = False


def ask_rego(door: RegoDoor | None, facts: Facts, caller: Caller, *, decision: Decision) -> RegoVerdict:
    """Have Rego decide about a call. An error, and anything that is no decision, denies."""
    if door is None:
        return RegoVerdict("deny", ("the policy is partly in Rego, which cannot be evaluated here",))
    try:
        said = door.evaluate(rego_input(facts, caller, decision=decision))
    except Exception as error:
        return RegoVerdict("deny", (f"the policy's Rego could not be evaluated: {str(error)[:_MOST_REASON]}",))
    return read_verdict(said)


def rego_input(facts: Facts, caller: Caller, *, decision: Decision) -> str:
    """Write what Rego is told: the call, on whose behalf, and what the rules say of it."""
    call = facts.call
    told: dict[str, JsonValue] = {
        "tool": call.tool,
        "capabilities": list(facts.capabilities),
        "hosts": list(facts.hosts),
        "secrets": list(facts.secrets),
        "labels": sorted(call.labels),
        "chosen_by": call.chosen_by,
        "node": call.node_id,
        "cost_usd": call.cost_usd,
        "caller": {
            "role": caller.role,
            "project": caller.project,
            "project_id": caller.project_id,
            "team": caller.team,
            "team_id": caller.team_id,
        },
        "rules": {"verdict": decision.verdict, "reasons": list(decision.reasons)},
        "arguments_left_out": False,
    }
    whole = _encode({**told, "arguments": _shortened(call.arguments)})
    if len(whole) <= MOST_INPUT_CHARACTERS:
        return whole
    return _encode({**told, "arguments": {}, "arguments_left_out": True})


def read_verdict(said: JsonValue) -> RegoVerdict:
    """Read what Rego answered."""
    if said is None:
        return RegoVerdict(
            "deny", ("the policy's Rego says nothing of this call (data.codexos.decision is undefined)",)
        )
    if not isinstance(said, Mapping) or not _is_verdict(said.get("verdict")):
        return RegoVerdict("deny", ("the policy's Rego answered with something that is no decision",))
    verdict: Verdict = said["verdict"]  # type: ignore[assignment]
    reasons = _reasons(said.get("reasons"))
    if verdict != "allow" and not reasons:
        reasons = ("the policy's Rego says so",)
    return RegoVerdict(verdict, reasons, _approvers(said.get("approvers")), said.get("takes_risk") is True)


def _is_verdict(word: JsonValue) -> bool:
    return word in ("allow", "ask", "deny")


def _reasons(said: JsonValue) -> tuple[str, ...]:
    if not isinstance(said, list | tuple):
        return ()
    return tuple(str(each)[:_MOST_REASON] for each in said[:_MOST_REASONS])


def _approvers(said: JsonValue) -> Approvers | None:
    if not isinstance(said, Mapping):
        return None
    who, people, expires = said.get("who"), said.get("people"), said.get("expires_seconds")
    return Approvers(
        deciders=tuple(str(each)[:254] for each in who[:20]) if isinstance(who, list | tuple) else (),
        not_requester=said.get("not_requester") is True,
        people=people if isinstance(people, int) and 1 <= people <= 5 else 1,
        expires_seconds=float(expires) if isinstance(expires, int | float) and expires > 0 else None,
    )


def _shortened(arguments: JsonObject) -> JsonObject:
    return {name: value[:_MOST_TEXT] if isinstance(value, str) else value for name, value in arguments.items()}


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=dict).encode
