# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How often a flow worker looks for runs while it carries some: a claim of ten costs hardly more than one of one."""

import math
from time import monotonic

LOOK_APART_SECONDS = 0.02
"""How far looks are apart. One that nobody looked before is made at once."""
SHARE_MISSED = 0.25
"""How many of the worker's places may stand empty meanwhile."""


class Pace:
    """Keeps looks apart."""

    def __init__(self, most_runs: int) -> None:
        self._most_freed = most_runs * SHARE_MISSED
        self._freed = 0
        self._looked_at = -math.inf

    def note_look(self) -> None:
        """A look is made."""
        self._freed, self._looked_at = 0, monotonic()

    def note_freed(self) -> None:
        """A place has become free."""
        self._freed += 1

    def rest(self) -> float:
        """Return how many seconds the next look still waits."""
        due = -math.inf if self._freed >= self._most_freed else self._looked_at + LOOK_APART_SECONDS
        return max(0.0, due - monotonic())
