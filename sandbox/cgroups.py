# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Control groups: a bound on the memory and the number of a whole tree of processes, where the kernel lends them."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
OWN = Path("/proc/self/cgroup")
EMPTY_WITHIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Slice:
    """One group, as one or more folders. It is a bound for everything that enters it and whatever that starts."""

    folders: Mapping[str, Path]
    is_unified: bool

    def bound(self, *, memory_bytes: int, processes: int) -> None:
        """Set how much everything inside may take together."""
        # Bubblewrap's own two processes stand inside.
        self._write("pids", "pids.max", processes + 3)
        if self.is_unified:
            self._write("memory", "memory.max", memory_bytes)
            self._try("memory", "memory.swap.max", 0)
            self._try("memory", "memory.oom.group", 1)
            return
        self._raise_first(memory_bytes)
        self._write("memory", "memory.limit_in_bytes", memory_bytes)
        self._try("memory", "memory.memsw.limit_in_bytes", memory_bytes)

    def _raise_first(self, memory_bytes: int) -> None:
        """The bound with swap is never below the one without, so whichever grows is moved in the right order."""
        with suppress(OSError, ValueError):
            if memory_bytes > int(self._read("memory", "memory.limit_in_bytes")):
                self._try("memory", "memory.memsw.limit_in_bytes", memory_bytes)

    def enter(self) -> None:
        """Put this process in."""
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text("0", encoding="ascii")

    def pids(self) -> list[int]:
        """Return every process inside."""
        found: set[int] = set()
        for folder in self.folders.values():
            with suppress(OSError):
                found |= {int(word) for word in (folder / "cgroup.procs").read_text(encoding="ascii").split()}
        return sorted(found)

    def peak_bytes(self) -> int:
        """Return the most memory that was taken at once; 0 where the kernel does not tell."""
        with suppress(OSError, ValueError, KeyError):
            return int(self._read("memory", "memory.peak" if self.is_unified else "memory.max_usage_in_bytes"))
        return 0

    def was_short_of_memory(self) -> bool:
        """Whether the kernel ended something inside because the memory was used up."""
        return was_short_of_memory(self.memory_events)

    @property
    def memory_events(self) -> str:
        """Where the kernel tells of that, for everybody to read."""
        return str(self.folders["memory"] / ("memory.events" if self.is_unified else "memory.oom_control"))

    def end(self) -> None:
        """Kill everything inside, wait until it is empty, and take it away."""
        deadline = time.monotonic() + EMPTY_WITHIN_SECONDS
        while (pids := self.pids()) and time.monotonic() < deadline:
            for pid in pids:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        for folder in set(self.folders.values()):
            with suppress(OSError):
                folder.rmdir()

    def _write(self, controller: str, name: str, value: int) -> None:
        (self.folders[controller] / name).write_text(str(value), encoding="ascii")

    def _try(self, controller: str, name: str, value: int) -> None:
        with suppress(OSError):
            self._write(controller, name, value)

    def _read(self, controller: str, name: str) -> str:
        return (self.folders[controller] / name).read_text(encoding="ascii")


def was_short_of_memory(events: str) -> bool:
    """Whether the kernel ended something in a group, by the file in which it tells of that."""
    with suppress(OSError):
        lines = Path(events).read_text(encoding="ascii").splitlines()
        return any(line.split()[0] == "oom_kill" and line.split()[1] != "0" for line in lines)
    return False


@dataclass(slots=True)
class Cgroups:
    """Where groups are made; ``lack`` says why none can be, where none can."""

    roots: Mapping[str, Path] = field(default_factory=dict)
    is_unified: bool = False
    lack: str | None = None

    @property
    def version(self) -> int:
        """1, 2, or 0 where there are none."""
        if self.lack is not None:
            return 0
        return 2 if self.is_unified else 1

    def make(self, name: str) -> Slice:
        """Make a group; what is left of an earlier one of that name is ended."""
        made = Slice({each: root / name for each, root in self.roots.items()}, self.is_unified)
        made.end()
        for folder in set(made.folders.values()):
            folder.mkdir(exist_ok=True)
        return made

    def close(self) -> None:
        """Take away what was made for this service."""
        for root in set(self.roots.values()):
            with suppress(OSError):
                root.rmdir()


def find(name: str) -> Cgroups:
    """Make a place for groups called ``name`` beneath where this process is; tell what lacks where that cannot be."""
    try:
        return _find_separate(name) or _find_unified(name)
    except (OSError, ValueError, KeyError) as error:
        return Cgroups(lack=f"control groups cannot be written here ({error})")


def _find_separate(name: str) -> Cgroups | None:
    mounted = dict(_mounted_controllers())
    if not {"memory", "pids"} <= set(mounted):
        return None
    mine = {word: path for _, words, path in _own_groups() for word in words.split(",")}
    roots = {each: _made(mounted[each], mine.get(each, "/"), name) for each in ("memory", "pids")}
    with suppress(OSError):
        (roots["memory"] / "memory.use_hierarchy").write_text("1", encoding="ascii")
    return Cgroups(roots)


def _made(mount: Path, mine: str, name: str) -> Path:
    own = mount / mine.lstrip("/")
    parent = own if own.is_dir() else mount
    _clear_abandoned(parent, name.rpartition("-")[0])
    root = parent / name
    root.mkdir(exist_ok=True)
    return root


def _clear_abandoned(parent: Path, prefix: str) -> None:
    """Take away the empty groups of services that were killed."""
    for left in parent.glob(f"{prefix}-*"):
        pid = left.name.rpartition("-")[2]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            for folder in (*left.glob("*/"), left):
                with suppress(OSError):
                    folder.rmdir()


def _find_unified(name: str) -> Cgroups:
    mount = next((Path(words[1]) for words in _mounts() if words[2] == "cgroup2"), None)
    if mount is None:
        return Cgroups(lack="no control groups are mounted")
    mine = next((path for number, _, path in _own_groups() if number == "0"), "/")
    own = mount / mine.lstrip("/")
    lack = "this control group is lent no memory and pids: under systemd, say Delegate=yes"
    # The topmost group may hold processes and lend all the same; only root may make one there.
    for parent in (own, mount) if os.geteuid() == 0 else (own,):
        try:
            if {"memory", "pids"} <= set((parent / "cgroup.controllers").read_text(encoding="ascii").split()):
                return _unified_beneath(parent, name)
        except OSError as error:
            lack = f"control groups cannot be lent on here ({error})"
    return Cgroups(lack=lack)


def _unified_beneath(parent: Path, name: str) -> Cgroups:
    _clear_abandoned(parent, name.rpartition("-")[0])
    lent = (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
    if not {"memory", "pids"} <= set(lent):
        _lend(parent, leaf=parent / f"{name}.keeper")
    root = parent / name
    root.mkdir(exist_ok=True)
    (root / "cgroup.subtree_control").write_text("+memory +pids", encoding="ascii")
    return Cgroups({"memory": root, "pids": root}, is_unified=True)


def _lend(parent: Path, *, leaf: Path) -> None:
    """A group that lends its controllers holds no process itself: ours moves into a leaf. Raises OSError for others."""
    leaf.mkdir(exist_ok=True)
    (leaf / "cgroup.procs").write_text("0", encoding="ascii")
    try:
        (parent / "cgroup.subtree_control").write_text("+memory +pids", encoding="ascii")
    except OSError:
        (parent / "cgroup.procs").write_text("0", encoding="ascii")
        leaf.rmdir()
        raise


def _own_groups() -> Iterator[tuple[str, str, str]]:
    for line in OWN.read_text(encoding="utf-8").splitlines():
        number, words, path = line.split(":", 2)
        yield number, words, path


def _mounts() -> list[list[str]]:
    return [line.split() for line in MOUNTS.read_text(encoding="utf-8").splitlines()]


def _mounted_controllers() -> Iterator[tuple[str, Path]]:
    for words in _mounts():
        if words[2] == "cgroup":
            yield from ((each, Path(words[1])) for each in words[3].split(","))
