# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What ends a command early: one clear sentence, the places it concerns, and an exit code."""

from collections.abc import Sequence

from .exits import Exit


class Fault(Exception):
    """Something went wrong; ``message`` says what, which, and what to do next."""

    def __init__(
        self,
        message: str,
        *,
        exit_code: Exit,
        code: str = "",
        problems: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.code = code
        self.problems = problems
        self.retry_after = retry_after

    @property
    def may_pass(self) -> bool:
        """Whether trying the same again may help."""
        return self.exit_code in {Exit.UNAVAILABLE, Exit.LIMIT}


def usage(message: str) -> Fault:
    """Return a fault of the person's own making, before anything was asked of the server."""
    return Fault(message, exit_code=Exit.USAGE)
