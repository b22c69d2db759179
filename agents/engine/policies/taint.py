# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The taint rules: what text of strangers has led to cannot by itself write, run, spend or reach an undeclared host.

They are laws of the house and stand above every policy: a call they are about is asked about, whatever allowed it,
unless the very rule that allowed it says that it takes the risk and names the labels it takes it for.
A host is declared where the organization lists it, or where the flow's own text names it.
"""

from collections.abc import Sequence

from agents.engine.policies.facts import Facts
from agents.engine.policies.patterns import Test

LAW = "taint/2"
"""Changes with the rules, and with it every policy's hash."""

_RISKS = {"write": "writes", "exec": "runs code", "spend": "spends money"}
_SHOWN = 5


def taint_reason(facts: Facts, *, is_declared: Test) -> str | None:
    """Say why a call must be asked about though something allows it; None where it need not."""
    if not facts.call.labels:
        return None
    risks = [said for word, said in _RISKS.items() if word in facts.capabilities]
    if (facts.call.cost_usd or 0) > 0 and "spend" not in facts.capabilities:
        risks.append(_RISKS["spend"])
    drawn = {host.casefold() for host in facts.call.drawn_hosts}
    if undeclared := [host for host in facts.hosts if host not in drawn and not is_declared(host)]:
        risks.append(f"reaches {_listed(undeclared)}, which no list of allowed hosts names")
    if not risks:
        return None
    return f"text of strangers led to it ({_listed(sorted(facts.call.labels))}), and it {' and '.join(risks)}"


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join("a host that is not known yet" if word == "*" else word[:100] for word in words[:_SHOWN])
    return f"{shown} and {len(words) - _SHOWN} more" if len(words) > _SHOWN else shown
