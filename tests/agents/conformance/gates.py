# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Gates that decide as a case needs it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agents.engine.gate import Approvers, Decision, ProposedCall
from tests.agents.engine.stage import StoppedClock

Rule = Callable[[ProposedCall], Decision]


@dataclass
class Ruled:
    """A gate with one rule, which may change."""

    rule: Rule
    seen: list[ProposedCall] = field(default_factory=list)

    def decide(self, call: ProposedCall) -> Decision:
        self.seen.append(call)
        return self.rule(call)


class StillClock(StoppedClock):
    """Whoever sleeps is woken by something else than the time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def asks(policy: str = "p1", **approvers: Any) -> Ruled:
    """A gate that asks about everything."""
    return Ruled(lambda call: Decision("ask", ["It writes."], policy, Approvers(**approvers)))
