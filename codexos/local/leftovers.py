# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who runs on a home: the lock, the pid files, and the clearing away of what a killed start left behind."""

import errno
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from codexos.local.errors import HomeBusy
from codexos.local.home import Home

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
GRACE_SECONDS = 20.0
START_TIME_SLACK_SECONDS = 0.05


@dataclass(frozen=True)
class Holder:
    """Who holds a home."""

    pid: int
    doing: str
    url: str = ""


@contextmanager
def held(home: Home, *, doing: str, url: str = "", wait_seconds: float = 0.3) -> Iterator[None]:
    """Hold the home for one start. Raises HomeBusy, naming the holder, when somebody else does."""
    descriptor = os.open(home.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, home=home, wait_seconds=wait_seconds)
        _holder_file(home).write_text(json.dumps(asdict(Holder(os.getpid(), doing, url))), encoding="utf-8")
        try:
            yield
        finally:
            _holder_file(home).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _take(descriptor: int, *, home: Home, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise HomeBusy(_busy_message(home, holder=holder_of(home))) from None
        time.sleep(0.1)


def _busy_message(home: Home, *, holder: Holder | None) -> str:
    who = f"process {holder.pid} ({holder.doing})" if holder else "another process"
    where = f" and serves {holder.url}" if holder and holder.url else ""
    return (
        f"CodexOS already runs on this home ({home.root}): {who} holds it{where}. Use that one, or stop it with Ctrl-C "
        "where it was started. A second one needs a home and a port of its own: "
        "CODEXOS_HOME=/another/folder PORT=8001 bin/up"
    )


def holder_of(home: Home) -> Holder | None:
    """Who wrote their name into the lock last."""
    try:
        return Holder(**json.loads(_holder_file(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_held(home: Home) -> bool:
    """Whether somebody holds the home now."""
    try:
        descriptor = os.open(home.run / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remember(home: Home, name: str) -> None:
    """Write down this process, so that a later start can recognize it; on a full disk it runs all the same."""
    made = psutil.Process().create_time()
    with _unless_full():
        (home.run / f"{name}.pid").write_text(f"{os.getpid()} {made:.2f}\n", encoding="utf-8")


@contextmanager
def _unless_full() -> Iterator[None]:
    """Go on where a full disk kept from writing something down that is of use only later."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise


def leftovers(home: Home) -> list[psutil.Process]:
    """Processes an earlier start of this home left running. A number that was given to a stranger since is not one."""
    found = [_recognized(path) for path in sorted(home.run.glob("*.pid"))]
    return [process for process in found if process is not None]


def _recognized(path: Path) -> psutil.Process | None:
    try:
        pid, made = path.read_text(encoding="utf-8").split()
        process = psutil.Process(int(pid))
        is_same = abs(process.create_time() - float(made)) < START_TIME_SLACK_SECONDS
    except (OSError, ValueError, psutil.Error):
        return None
    return process if is_same and process.is_running() and process.status() != psutil.STATUS_ZOMBIE else None


def clear_leftovers(home: Home) -> int:
    """End what an earlier start left running, politely first; returns how many there were."""
    found = leftovers(home)
    if found:
        end_all(found)
    for path in home.run.glob("*.pid"):
        path.unlink(missing_ok=True)
    return len(found)


def end_all(processes: list[psutil.Process], *, grace_seconds: float = GRACE_SECONDS) -> None:
    """End processes and all their descendants."""
    family = {child for process in processes for child in _with_descendants(process)}
    for process in processes:
        _send(process, _polite_signal(process))
    _, alive = psutil.wait_procs(list(family), timeout=grace_seconds)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _with_descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _polite_signal(process: psutil.Process) -> signal.Signals:
    """PostgreSQL waits for its clients on SIGTERM; SIGINT has it roll back what is open and close properly."""
    try:
        return signal.SIGINT if process.name() == "postgres" else signal.SIGTERM
    except psutil.Error:
        return signal.SIGTERM


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def _holder_file(home: Home) -> Path:
    return home.run / "holder.json"
