# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The process that starts slots and ends them. Where it is root it is the only one that is, and it reads nothing a job
or a client wrote: numbers and open descriptors, over one line to the service, which runs as a user of its own.
"""

import ctypes
import fcntl
import json
import os
import resource
import selectors
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sandbox import artefacts
from sandbox.cgroups import Cgroups, Slice
from sandbox.jobs import SOCKET_NAME

MESSAGE_BYTES = 65536
DESCRIPTORS = 32
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
HIGHEST_SLOT = 400
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Users:
    """Who slots run as: from root a number of its own each; from an ordinary user, that user."""

    first: int | None = None
    group: int = 0

    def of(self, slot: int, *, folder_owner: int | None = None) -> tuple[int, int] | None:
        """Return user and group of a slot; None where it is who we are."""
        if self.first is None:
            return None
        if folder_owner is not None:
            return folder_owner, self.group
        return self.first + slot, self.first + slot


@dataclass(slots=True)
class Kept:
    """A slot that was started and has not ended."""

    pid: int
    group: Slice | None
    user: tuple[int, int] | None


@dataclass(slots=True)
class Keeper:
    """Does what the service asks for over the line, until the line is cut."""

    line: socket.socket
    program: Sequence[str]
    cgroups: Cgroups
    users: Users
    folder_owner: int
    egress: str
    prefix: str = "slot"
    _kept: dict[int, Kept] = field(default_factory=dict)
    _is_over: bool = False

    def run(self) -> None:
        """Serve until the service is gone, then end every slot."""
        wake, tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.line, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            while not self._is_over:
                ready = {key.fd for key, _ in selector.select()}
                if wake in ready:
                    _empty(wake)
                    self._reap()
                if self.line.fileno() in ready and not self._serve():
                    self._is_over = True
        self.close()

    def close(self) -> None:
        """End every slot, and take the groups away."""
        for kept in self._kept.values():
            with suppress(OSError):
                _end(kept.pid)
        for slot in list(self._kept):
            kept = self._kept.pop(slot)
            with suppress(OSError):
                os.waitpid(kept.pid, 0)
            if kept.group:
                kept.group.end()
        self.cgroups.close()

    def _stop(self, _number: int, _frame: object) -> None:
        self._is_over = True

    def _serve(self) -> bool:
        """Do the next thing asked for; False where the line was cut."""
        try:
            message, descriptors, _flags, _address = socket.recv_fds(self.line, MESSAGE_BYTES, DESCRIPTORS)
        except OSError:
            return False
        if not message:
            return False
        asked = json.loads(message)
        try:
            self._do(asked, descriptors)
        except (OSError, ValueError, KeyError) as error:
            names = {name: asked.get(name) for name in ("do", "slot", "number")}
            self._tell({"failed": asked.get("do"), "asked": names, "because": str(error)})
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _do(self, asked: Mapping[str, Any], descriptors: list[int]) -> None:
        doings = {
            "start": self._start,
            "bound": self._bound,
            "kill": self._kill,
            "collect": self._collect,
            "connect": self._connect,
        }
        doings[asked["do"]](asked, descriptors)

    def _start(self, asked: Mapping[str, Any], descriptors: list[int]) -> None:
        slot = int(asked["slot"])
        if not 0 <= slot < HIGHEST_SLOT or slot in self._kept:
            raise ValueError(f"slot {slot} cannot be started")
        user = self.users.of(slot, folder_owner=self.folder_owner if asked.get("folder") else None)
        group = self._group(slot, asked)
        keeper, pid = os.getpid(), os.fork()
        if pid == 0:
            _become_slot(self.program, descriptors, group=group, user=user, keeper=keeper)
        self._kept[slot] = Kept(pid, group, user)
        self._tell({"started": slot, "pid": pid, "memory": group.memory_events if group else ""})

    def _group(self, slot: int, asked: Mapping[str, Any]) -> Slice | None:
        if not self.cgroups.version:
            return None
        group = self.cgroups.make(f"{self.prefix}-{slot}")
        group.bound(memory_bytes=int(asked["memory_bytes"]), processes=int(asked["processes"]))
        return group

    def _bound(self, asked: Mapping[str, Any], _descriptors: list[int]) -> None:
        kept = self._kept.get(int(asked["slot"]))
        if kept and kept.group:
            kept.group.bound(memory_bytes=int(asked["memory_bytes"]), processes=int(asked["processes"]))

    def _kill(self, asked: Mapping[str, Any], _descriptors: list[int]) -> None:
        kept = self._kept.get(int(asked["slot"]))
        if kept:
            _end(kept.pid)

    def _collect(self, asked: Mapping[str, Any], descriptors: list[int]) -> None:
        """Read an ended slot's folder as the user the slot was, in a process of its own."""
        folder, to = descriptors
        user = self.users.of(int(asked["slot"]), folder_owner=self.folder_owner if asked.get("folder") else None)
        if os.fork() == 0:
            _become_collector(folder, to, asked=asked, user=user)

    def _connect(self, asked: Mapping[str, Any], _descriptors: list[int]) -> None:
        """Open a way to one of the product's proxies, which lie in a folder the service may not enter."""
        name = str(asked["name"])
        if not SOCKET_NAME.fullmatch(name) or not self.egress:
            raise ValueError("there is no such proxy")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            way.setblocking(False)
            way.connect(f"{self.egress}/{name}")
            self._tell({"connected": asked["number"]}, way.fileno())

    def _reap(self) -> None:
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for slot, kept in list(self._kept.items()):
                if kept.pid == pid:
                    self._ended(slot, kept, code=os.waitstatus_to_exitcode(status), used=used)

    def _ended(self, slot: int, kept: Kept, *, code: int, used: resource.struct_rusage) -> None:
        del self._kept[slot]
        peak = kept.group.peak_bytes() if kept.group else used.ru_maxrss * 1024
        is_short = bool(kept.group and kept.group.was_short_of_memory())
        if kept.group:
            kept.group.end()
        self._tell({"ended": slot, "code": code, "peak_bytes": peak, "short_of_memory": is_short})

    def _tell(self, said: Mapping[str, Any], *descriptors: int) -> None:
        with suppress(OSError):
            socket.send_fds(self.line, [json.dumps(said).encode()], list(descriptors))


def _end(pid: int) -> None:
    """Kill a slot. Bubblewrap takes all of it along; without walls that is its session, as far as it is still one."""
    os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _empty(pipe: int) -> None:
    with suppress(BlockingIOError):
        while os.read(pipe, 4096):
            pass


def _become_slot(
    program: Sequence[str],
    descriptors: Sequence[int],
    *,
    group: Slice | None,
    user: tuple[int, int] | None,
    keeper: int,
) -> None:
    """Become bubblewrap with exactly these descriptors. Returns never."""
    try:
        _forget_signals()
        if group:
            group.enter()
        _place(descriptors)
        os.setsid()
        with suppress(OSError):
            os.nice(5)
        with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("700")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        become(user)
        LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != keeper:
            # It was killed before the kernel was told to tell.
            os._exit(125)
        os.execve(program[0], list(program), {"PATH": "/usr/bin:/bin"})  # noqa: S606 - our own words
    except BaseException as error:
        os.write(2, f"the slot cannot be started: {error}\n".encode())
    finally:
        os._exit(125)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _place(descriptors: Sequence[int]) -> None:
    """Put the descriptors where bubblewrap is told they are, and close all others."""
    above = [fcntl.fcntl(each, fcntl.F_DUPFD, 64) for each in descriptors]
    for place, each in enumerate(above):
        os.dup2(each, place, inheritable=True)
    os.closerange(len(above), 65536)


def become(user: tuple[int, int] | None) -> None:
    """Turn this process into another user, for good; nothing it starts gets more than it has."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _become_collector(folder: int, to: int, *, asked: Mapping[str, Any], user: tuple[int, int] | None) -> None:
    """Send what lies in the folder, and end. Returns never."""
    code = 1
    try:
        _forget_signals()
        become(user)
        LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        artefacts.send(folder, to, most=int(asked["most"]), most_bytes=int(asked["most_bytes"]))
        code = 0
    finally:
        os._exit(code)
