# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""All that the engine promises, by name.

A case says which promises it keeps: ``@keeps("join any")``. A promise that is missing from ``SEMANTICS`` cannot be
named, and none is without a case: ``test_semantics.py`` sees to that.
"""

from collections.abc import Callable
from typing import Any, TypeVar

SEMANTICS = (
    # ways
    "chain",
    "parallel",
    "join all",
    "join any",
    "join n-of",
    "condition: if, else-if, else",
    "condition: switch",
    "condition: no branch",
    "ways with when",
    "default value on missing input",
    "map",
    "loop",
    "sub-flow",
    "reducers",
    "reflection",
    "planner",
    "agent",
    "flow as a tool",
    "secrets",
    # calls of tools
    "call allowed, denied, asked about",
    "call approved: single use, bound to its hash",
    "call approved for the run",
    "call edited",
    "call rejected",
    "approval of a call expires",
    "two people approve",
    "labels",
    # trouble
    "retry: attempts",
    "retry: backoff",
    "retry: which errors",
    "retry: attempts are durable",
    "retry: jitter",
    "rest survives a crash",
    "long rest",
    "timeout of a step",
    "timeout of a run",
    "timeout of a node that holds lanes",
    "idle timeout",
    "fail-branch",
    "default-on-error",
    "result too large",
    "result that is not JSON",
    "expression that takes exponential time",
    "step limit",
    "spend limit",
    # people
    "cancel",
    "drain",
    "pause and resume",
    "may have happened",
    "decision",
    "decision taken twice",
    "a message is taken once",
    "approval",
    "approval: timeout branch",
    "several approvals at once",
    # holders
    "release and take over",
    "fence",
    "dead workers",
    "crash at every write",
    "crash inside every kind of step",
    # time travel
    "version pinning",
    "replay of a finished run",
    "retry from the failed step",
    "re-run from any step",
    "fork with changed state",
    "fork with changed input",
    "replay from recorded results",
    "draft against recorded results",
)

CASES: dict[str, list[str]] = {name: [] for name in SEMANTICS}
"""Which cases keep each promise; filled as their modules are imported."""

Case = TypeVar("Case", bound=Callable[..., Any])


def keeps(*names: str) -> Callable[[Case], Case]:
    """Say which promises a case keeps. Raises KeyError for a name that ``SEMANTICS`` does not have."""

    def note(case: Case) -> Case:
        for name in names:
            CASES[name].append(f"{case.__module__}.{case.__name__}")
        return case

    return note
