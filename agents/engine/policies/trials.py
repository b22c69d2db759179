# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Trying a policy: what it would say of calls, beside what another says of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from agents.engine.findings import Findings
from agents.engine.gate import ChosenBy, ProposedCall, Verdict
from agents.engine.policies.errors import ProposedCallInvalid
from agents.engine.policies.facts import Caller
from agents.engine.policies.fields import Field, any_word
from agents.engine.policies.gates import Explanation, PolicyGate
from codexos.kernel.jsontypes import JsonValue

MOST_SHOWN = 100

_CALL = ("tool", "arguments", "capabilities", "labels", "chosen_by", "secrets", "cost_usd", "role", "project", "team")
_CHOSEN_BY: tuple[ChosenBy, ...] = ("flow", "model")


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that was made or asked about, by whom. ``knows_arguments``: whether what it was called with is kept."""

    call: ProposedCall
    caller: Caller
    at: datetime | None = None
    run_id: UUID | None = None
    verdict: str = ""
    knows_arguments: bool = True


@dataclass(frozen=True, slots=True)
class TriedCall:
    """What two policies say of one call."""

    past: PastCall
    before: Explanation
    after: Explanation

    @property
    def is_changed(self) -> bool:
        """Whether something else becomes of it."""
        return self.before.decision.verdict != self.after.decision.verdict


@dataclass(frozen=True, slots=True)
class PolicyTrial:
    """What a policy would change: of how many calls it was tried, what becomes of them, and those that change."""

    tried: int = 0
    counts: Mapping[tuple[Verdict, Verdict], int] = field(default_factory=dict)
    changed: Sequence[TriedCall] = ()
    expired: int = 0
    without_arguments: int = 0
    unknown_tools: int = 0

    @property
    def changed_count(self) -> int:
        """How many calls something else becomes of."""
        return sum(count for (before, after), count in self.counts.items() if before != after)


GateOf = Callable[[Caller], PolicyGate]


def try_on(
    calls: Iterable[PastCall], *, before: GateOf, after: GateOf
) -> tuple[list[TriedCall], Counter[tuple[Verdict, Verdict]]]:
    """Have two policies decide about calls; return those that change, and how often what becomes of what."""
    changed: list[TriedCall] = []
    counts: Counter[tuple[Verdict, Verdict]] = Counter()
    for past in calls:
        tried = TriedCall(past, before(past.caller).explain(past.call), after(past.caller).explain(past.call))
        counts[tried.before.decision.verdict, tried.after.decision.verdict] += 1
        if tried.is_changed and len(changed) < MOST_SHOWN:
            changed.append(tried)
    return changed, counts


def read_call(data: JsonValue) -> PastCall:
    """Read a call that somebody typed. Raises ProposedCallInvalid."""
    findings = Findings()
    said = Field(data, "$", findings).members(_CALL)
    if "tool" not in said:
        findings.error("$", "Name the 'tool'.")
    arguments = said["arguments"].value if "arguments" in said else {}
    if not isinstance(arguments, Mapping):
        said["arguments"].refuse("This must be an object.")
        arguments = {}
    cost = said["cost_usd"].number(0, 1_000_000) if "cost_usd" in said else None
    call = ProposedCall(
        said["tool"].text(most=200) if "tool" in said else "",
        arguments,
        capabilities=_words(said, "capabilities"),
        labels=frozenset(_words(said, "labels")),
        chosen_by=said["chosen_by"].choice(_CHOSEN_BY, otherwise="model") if "chosen_by" in said else "model",
        secrets=_words(said, "secrets"),
        cost_usd=cost,
    )
    words = {name: said[name].text(most=200) for name in ("role", "project", "team") if name in said}
    if problems := findings.listed():
        raise ProposedCallInvalid(problems)
    return PastCall(call, Caller(**words))


def _words(said: Mapping[str, Field], name: str) -> tuple[str, ...]:
    return said[name].words(trouble=any_word) if name in said else ()
