# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Looks at a running job now and then, for what no limit of the kernel holds here."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sandbox.cgroups import was_short_of_memory

EVERY_SECONDS = 0.2
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Watch:
    """What one job may not exceed: files it makes, and its memory where no control group bounds it."""

    folders: Sequence[int]
    files: int
    memory_bytes: int | None
    pid: int
    memory_events: str = ""

    async def until_exceeded(self) -> str:
        """Return what was exceeded; it goes on looking until then."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            if sum(_files(each) for each in self.folders) > self.files:
                return "files"
            if self._is_short_of_memory():
                return "memory"

    def _is_short_of_memory(self) -> bool:
        """Whether it took too much; a job of which the kernel has ended a part is ended whole."""
        if self.memory_bytes is None:
            return bool(self.memory_events) and was_short_of_memory(self.memory_events)
        return self._taken() > self.memory_bytes

    def _taken(self) -> int:
        return sum(_bytes(each) for each in self.folders) + memory_of_tree(self.pid)


def _files(folder: int) -> int:
    found = os.fstatvfs(folder)
    return found.f_files - found.f_ffree


def _bytes(folder: int) -> int:
    found = os.fstatvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _parent(pid: str) -> int:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def memory_of_tree(root: int) -> int:
    """Return what a process and all its descendants hold in memory; what they share counts for each."""
    children = defaultdict(list)
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(OSError, IndexError, ValueError):
                children[_parent(name)].append(int(name))
    family, taken = [root], 0
    while family:
        pid = family.pop()
        family += children[pid]
        with suppress(OSError, IndexError, ValueError), open(f"/proc/{pid}/statm", encoding="ascii") as file:
            taken += int(file.read().split()[1]) * PAGE
    return taken
