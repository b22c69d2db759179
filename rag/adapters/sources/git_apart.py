# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The program that becomes git: it gives away the network and all it can, then git takes its place.

What git reads here was made by strangers, and it needs nothing but the folder it stands in: packs are handed to it on
its stdin. It is isolated Python without the app: this file imports the standard library alone.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

NO_GIT = 127
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000


def main(words: Sequence[str]) -> int:
    """Become git; the words say how much (bytes of memory, bytes a file, seconds), then what git is told."""
    memory_bytes, file_bytes, seconds = map(int, words[:3])
    _leave_network()
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _limit(kind, most)
    with suppress(AttributeError):
        change = ctypes.pythonapi.prctl
        change(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        change(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        os.execvpe("git", ["git", *words[3:]], os.environ)  # noqa: S606 - there is no shell
    except OSError:
        return NO_GIT


def _leave_network() -> None:
    """Stand in a network of nobody's, where the system lets us; git is told elsewhere to speak to no one besides."""
    # Linux alone: elsewhere there is no such call.
    with suppress(AttributeError):
        leave = ctypes.pythonapi.unshare
        if leave(_CLONE_NEWNET) != 0:
            leave(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit(kind: int, most: int) -> None:
    # Where the installation allows still less, that stays.
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
