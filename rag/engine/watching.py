# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""When a watched folder is read: after it changed, once more a while later, and now and then in any case.

What is missing has to be missing twice before it is gone, and a look right after the first would see the same trouble.
"""

from dataclasses import dataclass

ONCE_MORE = 75.0
IN_ANY_CASE = 600.0


@dataclass(slots=True)
class Watch:
    """What is known of a folder that is watched; moments are seconds of a clock that only goes forward."""

    due_at: float | None = None
    read_at: float | None = None

    def is_due(self, *, changed: bool, now: float) -> bool:
        """Tell whether the folder is to be read now, and note that it is."""
        is_due = changed or self.read_at is None or now >= self._next()
        if is_due:
            self.due_at = now + ONCE_MORE if changed or self.read_at is None else None
            self.read_at = now
        return is_due

    def _next(self) -> float:
        assert self.read_at is not None  # noqa: S101 - it was read before
        usual = self.read_at + IN_ANY_CASE
        return usual if self.due_at is None else min(usual, self.due_at)
