# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench sandbox`: from asking for code to be run to its first byte, and many calls at once.

Plain processes and bare bubblewrap take turns with it, so that all of them see the same machine.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from agents.adapters.sandbox import Job, Sandbox
from codexos.local import processes, sandbox_packages
from codexos.local.bench.machine import family, print_figures, pss_bytes
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT

BENCH = "sandbox"
ROUNDS = 60
PAUSE_SECONDS = 0.04
AT_ONCE = 200
ECHO = ("/bin/echo", "hello")
PYTHON = ("python", "-c", "print(1)")
BARE = (
    *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--ro-bind", "/usr", "/usr"),
    *("--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"),
    *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - inside
)
Asks = Callable[[], Awaitable[float]]


def measure(*, rounds: int) -> None:
    """Measure beside plain processes and bare bubblewrap."""
    if not shutil.which("bwrap"):
        raise LocalFault("bubblewrap is missing: apt-get install bubblewrap.")
    with tempfile.TemporaryDirectory(prefix="cx-bench-") as name:
        warm, cold = (_place(Path(name), of) for of in ("warm", "cold"))
        with _serving(warm, "--warm", "2") as served, _serving(cold, "--warm", "0"):
            asyncio.run(_measure(Sandbox(str(warm)), Sandbox(str(cold)), rounds=rounds * ROUNDS // 3, pid=served))


def _place(folder: Path, of: str) -> Path:
    """Return where one service listens: in a folder of its own, since each opens other doors beside that."""
    folder.chmod(0o711)
    (folder / of).mkdir()
    (folder / of).chmod(0o711)
    return folder / of / "sandbox.sock"


async def _measure(warm: Sandbox, cold: Sandbox, *, rounds: int, pid: int) -> None:
    await _wait_for(warm)
    await _wait_for(cold)
    asks: Mapping[tuple[str, str], Asks] = {
        ("subprocess", "echo"): lambda: asyncio.to_thread(_first_byte, ECHO),
        ("bubblewrap", "echo"): lambda: asyncio.to_thread(_first_byte, ("bwrap", *BARE, *ECHO)),
        ("codexos", "echo, warm"): lambda: _first_byte_of(warm, Job(ECHO)),
        ("codexos", "echo, cold"): lambda: _first_byte_of(cold, Job(ECHO)),
        ("subprocess", "python"): lambda: asyncio.to_thread(_first_byte, (sys.executable, *PYTHON[1:])),
        ("codexos", "python, warm"): lambda: _first_byte_of(warm, Job(PYTHON, python=True)),
        ("codexos", "python, cold"): lambda: _first_byte_of(cold, Job(PYTHON, python=True)),
    }
    took: dict[tuple[str, str], list[float]] = {name: [] for name in asks}
    for number in range(rounds + 2):
        for name, ask in asks.items():
            await asyncio.sleep(PAUSE_SECONDS)
            seconds = await ask()
            if number > 1:
                took[name].append(seconds * 1000)
    for (system, workload), found in took.items():
        _print_times(workload, system, found)
    await _crowd(warm, pid)


def _print_times(workload: str, system: str, found: list[float]) -> None:
    p50, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
    print_figures(BENCH, workload=workload, system=system, first_byte_p50_ms=p50, first_byte_p95_ms=p95)


async def _crowd(sandbox: Sandbox, pid: int) -> None:
    """Two hundred calls at once, three times: what it takes, and whether the service's memory stays where it was."""
    for number in range(3):
        before = pss_bytes(_service(pid))
        began = time.monotonic()
        outcomes = await asyncio.gather(*(sandbox.run(Job(ECHO)) for _ in range(AT_ONCE)))
        seconds = time.monotonic() - began
        print_figures(
            BENCH,
            workload=f"{AT_ONCE} calls at once, round {number + 1}",
            seconds=seconds,
            calls_per_second=AT_ONCE / seconds,
            failed=sum(each.exit_code != 0 for each in outcomes),
            service_mb_before=before / 1024**2,
            service_mb_after=pss_bytes(_service(pid)) / 1024**2,
        )


def _service(pid: int) -> list[psutil.Process]:
    """The keeper and the service, without the slots."""
    return [each for each in family(pid) if "bwrap" not in each.name() and each.cmdline()[1:3] == ["-m", "sandbox"]]


def _first_byte(words: tuple[str, ...]) -> float:
    began = time.perf_counter()
    with subprocess.Popen(words, bufsize=0, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        said = process.stdout.read(1) if process.stdout else b""
        took = time.perf_counter() - began
        process.communicate()
    if not said or process.returncode:
        raise LocalFault(f"{words[0]} failed with exit code {process.returncode}.")
    return took


async def _first_byte_of(sandbox: Sandbox, job: Job) -> float:
    began = time.perf_counter()
    heard: list[float] = []
    outcome = await sandbox.run(job, lambda _stream, _part: heard.append(time.perf_counter() - began))
    if outcome.exit_code or not heard:
        raise LocalFault(f"A job failed: {outcome}")
    return heard[0]


async def _wait_for(sandbox: Sandbox) -> None:
    for _ in range(200):
        standing = await sandbox.standing()
        if standing.walls:
            break
        await asyncio.sleep(0.05)
    if not standing.is_available:
        raise LocalFault(f"The sandbox cannot run here: {standing.reason}")


@contextmanager
def _serving(socket: Path, *words: str) -> Iterator[int]:
    user = f"{processes.SANDBOX_USER}:{processes.SANDBOX_USER}"
    command = [sys.executable, "-m", "sandbox", "--socket", str(socket), *words]
    command += ["--environment", str(sandbox_packages.make_ready())]
    command += ["--user", user] if os.geteuid() == 0 else []
    with subprocess.Popen(command, cwd=CHECKOUT, env={"PATH": os.defpath}, stdout=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
