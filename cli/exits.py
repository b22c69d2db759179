# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The one table from what went wrong to the exit code of a command."""

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    RUN_FAILED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    NOT_ALLOWED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    INVALID = 7
    LIMIT = 8
    UNAVAILABLE = 9
    RUN_CANCELLED = 10
    RUN_WAITS = 11
    BROKEN = 12
    INTERRUPTED = 130


MEANINGS: Mapping[Exit, str] = {
    Exit.DONE: "done; a run that was waited for succeeded",
    Exit.RUN_FAILED: "the run failed",
    Exit.USAGE: "the command was written wrongly, or a local file cannot be read",
    Exit.NOT_SIGNED_IN: "not signed in, or the token no longer counts",
    Exit.NOT_ALLOWED: "visible, but not yours to do",
    Exit.NOT_FOUND: "no such thing, or none you may see",
    Exit.CONFLICT: "the state of things forbids it now, or somebody else changed it meanwhile",
    Exit.INVALID: "a flow, an input or another value does not hold together",
    Exit.LIMIT: "a limit of size, rate or money stands in the way",
    Exit.UNAVAILABLE: "the server does not answer, or what answers is not CodexOS; trying again may help",
    Exit.RUN_CANCELLED: "the run was cancelled",
    Exit.RUN_WAITS: "the run waits for a person",
    Exit.BROKEN: "the server's own mistake, or it does not know this command",
    Exit.INTERRUPTED: "interrupted by Ctrl-C; a run that was followed goes on",
}

_OF_STATUS: Mapping[int, Exit] = {
    401: Exit.NOT_SIGNED_IN,
    403: Exit.NOT_ALLOWED,
    404: Exit.NOT_FOUND,
    405: Exit.BROKEN,
    406: Exit.BROKEN,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    413: Exit.LIMIT,
    429: Exit.LIMIT,
    502: Exit.UNAVAILABLE,
    503: Exit.UNAVAILABLE,
    504: Exit.UNAVAILABLE,
}

_OF_RUN: Mapping[str, Exit] = {
    "succeeded": Exit.DONE,
    "failed": Exit.RUN_FAILED,
    "cancelled": Exit.RUN_CANCELLED,
    "waiting": Exit.RUN_WAITS,
}


def exit_of_status(status: int) -> Exit:
    """Return the exit code for an answer that is not a success."""
    return _OF_STATUS.get(status, Exit.INVALID if status < 500 else Exit.BROKEN)


def exit_of_run(status: object) -> Exit:
    """Return the exit code for where a run stands; one that is under way is no failure."""
    return _OF_RUN.get(str(status), Exit.DONE)


def table_text() -> str:
    """Return the table for people."""
    return "\n".join(f"{exit_code.value:>5}  {meaning}" for exit_code, meaning in MEANINGS.items())
