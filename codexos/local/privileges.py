# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PostgreSQL refuses to run as root. Started by root it runs as a system user of its own, wherever the checkout is.

That user may not enter root's folders and is given no right to: the data directory is handed over as an open folder
(``/proc/self/fd/N``), and programs it cannot reach are copied to a cache it can.
"""

import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codexos.local.errors import ServerFailed

SYSTEM_USER = "codexos-db"
PROGRAM_CACHE = Path("/var/cache/codexos")
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class ServerUser:
    """Who the embedded servers run as."""

    uid: int
    gid: int

    def own(self, path: Path, *, mode: int = 0o700) -> None:
        """Give ``path`` to this user alone."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)
        path.chmod(mode)

    def become(self) -> None:
        """Turn this process into that user, for good."""
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)


def server_user() -> ServerUser:
    """This user; for root a system user, made when missing. Raises ServerFailed where none can be made."""
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    try:
        found = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        found = _make_system_user()
    return ServerUser(found.pw_uid, found.pw_gid)


def _make_system_user() -> pwd.struct_passwd:
    words = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "useradd"
    try:
        subprocess.run(
            [program, *words, "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        if SYSTEM_USER not in {entry.pw_name for entry in pwd.getpwall()}:  # two starts side by side may both try
            raise ServerFailed(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER!r} could not be made "
                f"({getattr(error, 'stderr', None) or error}). Run `useradd --system {SYSTEM_USER}`, "
                "or start CodexOS as an ordinary user."
            ) from error
    return pwd.getpwnam(SYSTEM_USER)


@contextmanager
def opened_folder(folder: Path) -> Iterator[tuple[int, str]]:
    """Hold ``folder`` open for a child; gives its descriptor and a path a less privileged user can follow."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    try:
        yield descriptor, f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def reachable(programs: Path, *, cache_name: str, parts: tuple[str, ...]) -> Path:
    """Return ``programs``, or a copy of the named parts of it, so that the servers' user can run them."""
    programs = programs.resolve()
    if os.geteuid() != 0 or _is_open_to_all(programs):
        return programs
    copy = PROGRAM_CACHE / cache_name
    if not copy.exists():
        _copy_programs(programs, copy=copy, parts=parts)
    return copy


def _is_open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _copy_programs(programs: Path, *, copy: Path, parts: tuple[str, ...]) -> None:
    copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=copy.parent, prefix=".new-"))
    for part in parts:
        target = fresh / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (programs / part).is_dir():
            shutil.copytree(programs / part, target, ignore=shutil.ignore_patterns("*.a", "include", "pkgconfig"))
        else:
            shutil.copy2(programs / part, target)
    fresh.chmod(0o755)
    try:
        fresh.rename(copy)
    except OSError:  # another start was quicker
        shutil.rmtree(fresh)


def end_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process ``number`` when its parent ends, however it ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def reap_orphans(*, but: int) -> None:
    """Let go of adopted processes that have ended; ``but`` is a child somebody else waits for."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == but:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none is lost sight of."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
