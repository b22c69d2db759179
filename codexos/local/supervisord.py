# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""supervisord, taught to outlive a full disk: a line that finds no room in a log is lost, and nothing else.

As it comes it complains about such a line into another log, which finds no room either; then it stops reading from the
process that wrote the line, which ends of it.
"""

from supervisor import loggers, supervisord


def main() -> None:
    """Run supervisord with the words of the command line."""
    loggers.Handler.handleError = _let_go
    supervisord.main()


def _let_go(_handler: loggers.Handler) -> None:
    """Say nothing of a line that was lost: who started us watches the disk."""


if __name__ == "__main__":
    main()
