# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who holds a lease, and whether that process is gone: on one machine this can be known without waiting for the lease.

A holder is ``host:place:process``. The place names one process table: a machine since it was started, and the
container in it. Nothing is ever said of a process of another place.
"""

import hashlib
import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TABLE = Path("/proc/self/ns/pid")


def this_holder() -> str:
    """Name the process this is asked in."""
    return f"{socket.gethostname()[:60]}:{_place()}:{os.getpid()}"


def is_gone(holder: str) -> bool:
    """Whether a holder is known to have ended; never true of one that may live."""
    _, place, process = (["", "", *holder.split(":")])[-3:]
    return bool(place) and place == _place() and process.isdecimal() and not _lives(int(process))


def _place() -> str:
    try:
        told = f"{_BOOT.read_text(encoding='ascii')}{_TABLE.readlink()}"
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _lives(process: int) -> bool:
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    except OSError:
        return True
    # What has ended and was not fetched by its parent stays as a zombie, for ever under some first processes.
    return told.rpartition(")")[2].split()[:1] not in (["Z"], ["X"])
