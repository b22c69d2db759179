# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The escape table: what hostile code would try, inside and once more without the wall that held it.

An attempt counts only where it is proven to have run, and where it works with its wall away.
"""

import asyncio
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from agents.adapters.sandbox import Job, Outcome
from tests.sandbox.attempts import PRELUDE, STAYING_BEHIND, TAKING_TOO_MUCH, Attempt, facts
from tests.sandbox.conftest import Served
from tests.sandbox.controls import run_control
from tests.sandbox.kernel_attempts import KERNEL
from tests.sandbox.prying_attempts import READING, SPEAKING
from tests.sandbox.table import TABLE

ATTEMPTS = [*TAKING_TOO_MUCH, *STAYING_BEHIND, *READING, *SPEAKING, *KERNEL]
NEEDS_ROOT = {
    "bpf",
    "perf_event_open",
    "open_by_handle_at",
    "a device of the machine",
    "setuid",
    "switches in /proc/sys",
}
"""What the kernel refuses to ordinary users by itself: the control shows something only from root."""


@pytest.fixture(scope="module")
def machine(served: Served) -> Iterator[Mapping[str, object]]:
    """Things of this machine that are nobody's business inside."""
    with tempfile.TemporaryDirectory(prefix="cx-outside-") as name, _servers(Path(name)) as known:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "canary").write_text("CANARY")
        (folder / "canary").chmod(0o644)
        shared = Path("/dev/shm", f"codexos-{secrets.token_hex(8)}")
        shared.write_text("CANARY")
        shared.chmod(0o644)
        try:
            yield facts(
                **known,
                canary=str(folder / "canary"),
                shared_file=shared.name,
                programs=str(served.folder / "programs"),
                socket_folder=str(served.folder),
                pid=os.getpid(),
                daemon=f"daemon-{secrets.token_hex(8)}",
                descriptors=4000,
                scratch="/nonexistent",
            )
        finally:
            shared.unlink()


class _servers:
    """A server on the loopback, one at a path, one at an abstract name, and a segment of shared memory."""

    def __init__(self, folder: Path) -> None:
        self._abstract = f"codexos-{secrets.token_hex(8)}"
        self._path = str(folder / "socket")
        self._doors = [socket.create_server(("127.0.0.1", 0))]
        for name in (self._path, f"\0{self._abstract}"):
            door = socket.socket(socket.AF_UNIX)
            door.bind(name)
            door.listen(8)
            self._doors.append(door)
        Path(self._path).chmod(0o666)
        self._key = secrets.randbelow(2**30) + 1
        self._libc = ctypes.CDLL(None)
        self._libc.shmat.restype = ctypes.c_void_p
        self._segment = self._libc.shmget(self._key, 4096, 0o1000 | 0o666)

    def __enter__(self) -> Mapping[str, object]:
        address = self._libc.shmat(self._segment, None, 0)
        ctypes.memmove(address, b"CANARY", 6)
        for door in self._doors:
            threading.Thread(target=_answer, args=[door], daemon=True).start()
        port = self._doors[0].getsockname()[1]
        return {"port": port, "unix_path": self._path, "abstract": self._abstract, "segment_key": self._key}

    def __exit__(self, *_what: object) -> None:
        self._libc.shmctl(self._segment, 0, None)
        for door in self._doors:
            door.close()


def _answer(door: socket.socket) -> None:
    with suppress(OSError):
        while True:
            with door.accept()[0] as came:
                came.sendall(b"CANARY")


def _daemons(machine: Mapping[str, object]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if machine["daemon"] in process.cmdline() and "-I" not in process.cmdline():
                found.append(process)
    return found


async def _inside(attempt: Attempt, served: Served, machine: Mapping[str, object]) -> Outcome:
    words = ("python", "-I", "-c", PRELUDE + attempt.code, json.dumps(machine))
    return await served.sandbox.run(Job(words, limits=attempt.limits, python=True))


def _check_held(attempt: Attempt, outcome: Outcome) -> str:
    said = outcome.stdout.decode("utf-8", "replace")
    assert said.startswith("RAN\n"), (said, outcome.stderr)
    assert "Traceback" not in outcome.stderr.decode() or _is_refused_memory(attempt, outcome), outcome.stderr
    assert outcome.ended_by == attempt.must_end_by or _is_refused_memory(attempt, outcome), outcome
    if attempt.name == "flood of output":
        assert outcome.is_truncated
        assert len(said) <= 100_000
        return f"{len(said)} bytes of 3000000"
    assert "ESCAPED" not in said, said
    return attempt.must_end_by or said.partition("HELD")[2].strip()[:60] or f"exit code {outcome.exit_code}"


def _is_refused_memory(attempt: Attempt, outcome: Outcome) -> bool:
    """Whether each process was bounded instead of all of them, as where there are no control groups."""
    return attempt.must_end_by == "memory" and b"MemoryError" in outcome.stderr


def _check_control(attempt: Attempt, said: str) -> bool:
    """Whether it worked with its wall away; where the kernel holds ordinary users by itself it need not."""
    has_worked = "END" in said if attempt.name == "flood of output" else "ESCAPED" in said
    assert "RAN\n" in said, said
    assert has_worked or (attempt.name in NEEDS_ROOT and os.geteuid() != 0), said
    return has_worked


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=[each.name for each in ATTEMPTS])
async def test_it_is_held_and_works_with_its_wall_away(
    attempt: Attempt, served: Served, machine: Mapping[str, object], tmp_path: Path
):
    walls = (await served.sandbox.standing()).walls
    if attempt.wall == "control group" and not walls["control_groups"]:
        pytest.skip("without control groups memory is looked at five times a second, which this attempt may outrun")
    held = _check_held(attempt, await _inside(attempt, served, machine))
    await _until_none(machine)
    if attempt.control == "with a proxy":
        said = await _with_a_proxy(attempt, served, machine)
    else:
        said = await asyncio.to_thread(_outside, attempt, machine, tmp_path)
    if attempt.control == "daemon":
        left = _daemons(machine)
        assert len(left) == 1, "it should have stayed behind"
        left[0].send_signal(signal.SIGKILL)
        said += "ESCAPED"
    TABLE.append((attempt.name, attempt.wall, held, _check_control(attempt, said)))


async def _until_none(machine: Mapping[str, object]) -> None:
    """Wait for the kernel, which ends what is left of a namespace in its own time where there is no control group."""
    async with asyncio.timeout(5):
        while _daemons(machine):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.02)


def _outside(attempt: Attempt, machine: Mapping[str, object], scratch: Path) -> str:
    scratch.chmod(0o777)
    descriptor = os.open(str(machine["canary"]), os.O_RDONLY)
    try:
        return run_control(attempt, {**machine, "scratch": str(scratch)}, descriptor=descriptor)
    finally:
        os.close(descriptor)
        shutil.rmtree(scratch)


async def _with_a_proxy(attempt: Attempt, served: Served, machine: Mapping[str, object]) -> str:
    words = ("python", "-I", "-c", PRELUDE + attempt.code, json.dumps(machine))
    outcome = await served.sandbox.run(Job(words, python=True, proxy="some-proxy"))
    return outcome.stdout.decode()


LEAVING = """
import os, socket
os.chdir("/out")
open("good", "w").write("good")
os.symlink(CANARY, "symlink")
os.symlink("/proc/self/environ", "environ")
os.mkdir("folder"); os.symlink("/etc", "folder/etc"); os.symlink(".", "folder/again")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
try:
    os.link("/etc/passwd", "hardlink")
except OSError:
    pass
with open("hollow", "w") as file:
    file.truncate(40 << 20)
open("closed", "w").write("x"); os.chmod("closed", 0)
deep = "d"
for _ in range(40):
    os.mkdir(deep); deep += "/d"
open("odd\\n\\udcff name", "w").write("odd")
for number in range(100):
    open(f"many-{number:03}", "w").write("x")
print("RAN")
"""


async def test_what_is_left_in_out_leads_nowhere(served: Served, machine: Mapping[str, object]):
    words = ("python", "-c", LEAVING.replace("CANARY", repr(machine["canary"])))
    outcome = await served.sandbox.run(Job(words, python=True, collect=True))
    assert outcome.stdout == b"RAN\n", outcome.stderr
    found = {each.name: each.content for each in outcome.artefacts}
    assert found["good"] == b"good"
    assert not [name for name, content in found.items() if b"CANARY" in content]
    left_out = dict(outcome.left_out)
    for name in ("symlink", "environ", "fifo", "socket", "hollow", "folder/etc", "folder/again"):
        assert name in left_out, name
        assert name not in found
    assert "hardlink" not in found
    assert len(found) == 32, "no more than the job may leave"
    TABLE.append(
        ("links, pipes, sockets and holes left behind", "read without following", str(left_out), _is_led_out())
    )


def _is_led_out() -> bool:
    """The control: who opens by its name what a job could have left is led out by a link."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, "canary").write_text("CANARY")
        Path(name, "symlink").symlink_to(Path(name, "canary"))
        return Path(name, "symlink").read_text() == "CANARY"
