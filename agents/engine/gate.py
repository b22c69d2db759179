# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is decided of a tool's call before it is made: allow, ask or deny, and why. A port and its nouns."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from agents.engine.secrets import SecretRef, secret_texts
from codexos.kernel.jsontypes import JsonObject

Verdict = Literal["allow", "ask", "deny"]
ChosenBy = Literal["flow", "model"]


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """A call of a tool, worked out and not made.

    ``arguments`` hold references in place of secrets, whose names ``secrets`` are. ``capabilities`` are those of this
    very call, ``egress:<host>`` by name. ``labels`` say where text of strangers came from that led to it.
    ``drawn_hosts`` are those of its hosts that the flow's own text names, so that no text of strangers chose them.
    """

    tool: str
    arguments: JsonObject
    capabilities: Sequence[str] = ()
    labels: frozenset[str] = frozenset()
    chosen_by: ChosenBy = "flow"
    secrets: Sequence[str] = ()
    node_id: str = ""
    cost_usd: float | None = None
    drawn_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may approve a call: these roles and addresses, or whoever may step into the run; how many of them."""

    deciders: Sequence[str] = ()
    not_requester: bool = False
    people: int = 1
    expires_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy says of a call, with why in words. ``policy`` is the SHA-256 of what it was decided by, in hex."""

    verdict: Verdict
    reasons: Sequence[str] = ()
    policy: str = ""
    approvers: Approvers = field(default_factory=Approvers)


ALLOWED = Decision("allow")


class Gate(Protocol):
    """Decides about calls. It must answer at once and must not fail: what cannot be decided is denied."""

    def decide(self, call: ProposedCall) -> Decision:
        """Say whether a call may be made, by what is known now."""
        ...


class OpenGate:
    """Lets every call through: for runs that nobody but their own author has a stake in, as in a trial."""

    def decide(self, call: ProposedCall) -> Decision:
        """Allow it."""
        return ALLOWED


def say_nothing(_text: str) -> None:
    """Hear text that nobody listens to."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """On what occasion a tool is called.

    ``key`` is the same for every attempt at one effect, ``step`` the step that calls. ``emit`` takes text as it comes,
    for who watches. ``decision`` and ``labels`` are what the call was let through by.
    """

    key: str
    step: str = ""
    emit: Callable[[str], None] = say_nothing
    decision: Decision = ALLOWED
    labels: frozenset[str] = frozenset()


def call_hash(
    tool: str, arguments: JsonObject, *, policy: str, capabilities: Sequence[str] = (), fingerprint: str = ""
) -> str:
    """Return what an approval is bound to: the SHA-256, in hex, of a call and of the policy it was asked under.

    What the tool is at that moment is part of the call: what it touches, and the fingerprint of what is behind it.
    """
    # A reference to a secret reads like text, and is not the same.
    references = [
        [str(part) if isinstance(part, SecretRef) else [part] for part in text.parts]
        for text in secret_texts(arguments)
    ]
    told = json.dumps(
        [tool, arguments, policy, sorted(capabilities), fingerprint, *references],
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
        default=dict,
    )
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


class AskingNobody:
    """A gate for where nobody can be asked, as in a trial: what another gate would ask about is denied, with a hint."""

    def __init__(self, gate: Gate, hint: str) -> None:
        self._gate = gate
        self._hint = hint

    def decide(self, call: ProposedCall) -> Decision:
        """See the port."""
        decision = self._gate.decide(call)
        if decision.verdict != "ask":
            return decision
        return Decision("deny", [*decision.reasons, self._hint], decision.policy)
