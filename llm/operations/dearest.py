# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the dearest of the last calls of a model cost, known in this process: asked before every call under a budget."""

import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from llm.operations.calls import CallBegun

LATELY = 20
"""Of how many calls the dearest is looked for: the next may cost as much, whatever was worked out for it."""
FRESH_SECONDS = 60.0
"""After that long what other processes paid is looked up again."""
MOST_KNOWN = 5_000

_Name = tuple[UUID, str, str]


class DearestCalls:
    """The costs of the last calls of each model that this process made or looked up."""

    def __init__(self) -> None:
        self._costs: dict[_Name, deque[Decimal]] = {}
        self._at: dict[_Name, float] = {}

    def of(self, begun: CallBegun, *, ask: Callable[[CallBegun], Decimal | None]) -> Decimal | None:
        """Return what the dearest cost, None where there was none; ``ask`` looks it up."""
        name = _name(begun)
        if name in self._at and time.monotonic() - self._at[name] < FRESH_SECONDS:
            return max(self._costs[name])
        found = ask(begun)
        if found is not None:
            self._keep(name, found)
        return found

    def note(self, begun: CallBegun, cost: Decimal | None) -> None:
        """Hear what a call cost. Of a model that was never asked about, nothing is known by that."""
        name = _name(begun)
        if cost and name in self._at:
            self._costs[name].append(cost)

    def _keep(self, name: _Name, cost: Decimal) -> None:
        while len(self._at) >= MOST_KNOWN:
            oldest = next(iter(self._at))
            del self._at[oldest], self._costs[oldest]
        self._at.pop(name, None)
        self._at[name] = time.monotonic()
        self._costs[name] = deque([cost], LATELY)


def _name(begun: CallBegun) -> _Name:
    return begun.asker.organization_id, begun.kind, begun.model


dearest_calls = DearestCalls()
"""Those of this process."""
