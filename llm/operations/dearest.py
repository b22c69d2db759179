# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the dearest of the last calls of a model cost, known in this process: asked before every call under a budget."""

import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from llm.operations.calls import CallBegun

LATELY = 20
"""Of how many calls the dearest is looked for: the next may cost as much, whatever was worked out for it."""
FRESH_SECONDS = 60.0
"""After that long what other processes paid is looked up again."""
MOST_KNOWN = 5_000

_Name = tuple[UUID, str, str]


class _Known(NamedTuple):
    """What the last calls of a model cost, and when that was looked up."""

    at: float
    costs: deque[Decimal]


class DearestCalls:
    """The costs of the last calls of each model that this process made or looked up."""

    def __init__(self) -> None:
        self._known: dict[_Name, _Known] = {}

    def of(self, begun: CallBegun, *, ask: Callable[[CallBegun], Decimal | None]) -> Decimal | None:
        """Return what the dearest cost, None where there was none; ``ask`` looks it up."""
        known = self._known.get(_name(begun))
        if known is not None and time.monotonic() - known.at < FRESH_SECONDS:
            return max(known.costs.copy())
        found = ask(begun)
        if found is not None:
            self._keep(_name(begun), found)
        return found

    def note(self, begun: CallBegun, cost: Decimal | None) -> None:
        """Hear what a call cost. Of a model that was never asked about, nothing is known by that."""
        if cost and (known := self._known.get(_name(begun))) is not None:
            known.costs.append(cost)

    def _keep(self, name: _Name, cost: Decimal) -> None:
        # Several threads come through here at once: each step leaves what is known whole.
        self._known[name] = _Known(time.monotonic(), deque([cost], LATELY))
        while len(self._known) > MOST_KNOWN:
            self._known.pop(next(iter(self._known.copy())), None)


def _name(begun: CallBegun) -> _Name:
    return begun.asker.organization_id, begun.kind, begun.model


dearest_calls = DearestCalls()
"""Those of this process."""
