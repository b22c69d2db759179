# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What it takes to decide about a tool's call: by rules that have met one like it or not, and by Rego."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle

from agents.adapters.rego import RegoText
from agents.engine.gate import ProposedCall
from agents.engine.policies.facts import Caller
from agents.engine.policies.gates import PolicyGate
from agents.engine.policies.texts import parse_policy
from codexos.kernel.jsontypes import JsonValue
from codexos.local.bench.machine import print_figures

DECISIONS, REGO_DECISIONS = 20_000, 3_000
_RULES = 100
_REGO = """package codexos

decision := {"verdict": "ask", "reasons": ["it writes outside of our own hosts"]} if {
    "write" in input.capabilities
    some host in input.hosts
    not endswith(host, ".example.com")
} else := input.rules
"""


def measure(*, rounds: int) -> None:
    """Print the best round of each."""
    for name, document in (("the house's rules", {}), (f"{_RULES} rules", _many_rules())):
        gate = PolicyGate(parse_policy(document), Caller(role="developer"))
        for how, calls in (("calls that are alike", _calls(8)), ("calls of which no two are alike", _calls(DECISIONS))):
            _print(f"{name}, {how}", _fresh(gate, document, calls), rounds=rounds)
    rego = RegoText(_REGO)
    try:
        began = time.monotonic()
        rego.start()
        print_figures("policy", workload="Rego, its process", started_ms=round(1000 * (time.monotonic() - began), 1))
        gate = PolicyGate(parse_policy({"rego": {"source": _REGO}}), Caller(role="developer"), rego=rego)
        alike: Iterator[ProposedCall] = cycle(_calls(8))
        strange = iter(_calls(rounds * (REGO_DECISIONS + 1)))
        for workload, turns in (("calls that are alike", alike), ("calls of which no two are alike", strange)):
            _print(f"Rego, {workload}", partial(_timed, gate, turns, count=REGO_DECISIONS), rounds=rounds)
    finally:
        rego.stop()


def _fresh(gate: PolicyGate, document: JsonValue, calls: Sequence[ProposedCall]) -> Callable[[], list[int]]:
    if len(calls) < DECISIONS:
        return lambda: _timed(gate, cycle(calls), count=DECISIONS)
    # Another gate for each round, which has met none of the calls.
    return lambda: _timed(PolicyGate(parse_policy(document), Caller(role="developer")), cycle(calls), count=DECISIONS)


def _print(workload: str, round_: Callable[[], list[int]], *, rounds: int) -> None:
    best = min((round_() for _ in range(rounds)), key=lambda taken: taken[len(taken) // 2])
    count = len(best)
    figures = {f"p{part}_us": round(best[count * part // 100] / 1000, 2) for part in (50, 95, 99)}
    print_figures("policy", workload=workload, system="codexos", decisions=count, **figures)


def _timed(gate: PolicyGate, calls: Iterator[ProposedCall], *, count: int) -> list[int]:
    taken = []
    gate.decide(next(calls))
    for _ in range(count):
        call = next(calls)
        began = time.perf_counter_ns()
        gate.decide(call)
        taken.append(time.perf_counter_ns() - began)
    return sorted(taken)


def _calls(count: int) -> list[ProposedCall]:
    return [
        ProposedCall(
            "HTTPRequest",
            {"url": f"https://host{number}.example.net/", "method": "POST"},
            capabilities=("read", "write", f"egress:host{number}.example.net"),
            labels=frozenset({"tool:WebFetch"}) if number % 2 else frozenset(),
            chosen_by="model",
        )
        for number in range(count)
    ]


def _many_rules() -> JsonValue:
    """Rules that all have to be looked at and do not fit, half of them by the tool, half by what a call does."""
    by_tool: list[JsonValue] = [
        {"name": f"t{n}", "when": {"tool": [f"Tool{n}*"], "capability": ["write"]}, "then": "ask"} for n in range(50)
    ]
    by_deed: list[JsonValue] = [
        {"name": f"d{n}", "when": {"capability": ["exec", "spend"], "host": [f"h{n}.example.net"]}, "then": "deny"}
        for n in range(50)
    ]
    return {"rules": [*by_tool, *by_deed]}
