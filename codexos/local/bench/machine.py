# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the figures were measured on: load, the floor of the disk, versions."""

import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from codexos.local import bundle, postgres
from codexos.local.home import CHECKOUT
from codexos.local.terminal import say

FSYNC_ROUNDS = 50
Figure = float | str


def print_figures(bench: str, *, workload: str, system: str = "codexos", **figures: Figure) -> None:
    """Print one line."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    say(json.dumps({"bench": bench, "system": system, "workload": workload, **rounded}))


def print_machine(bench: str) -> None:
    """Print the line every figure must be read with."""
    print_figures(
        bench,
        workload="machine",
        system="machine",
        load_1m=os.getloadavg()[0],
        cpus=os.cpu_count() or 0,
        memory_mb=psutil.virtual_memory().total // 1024**2,
        fsync_ms=fsync_floor(CHECKOUT) * 1000,
        kernel=platform.release(),
        python=platform.python_version(),
        postgres=postgres.version_line(),
        node=bundle.find_node().version,
    )


def fsync_floor(folder: Path) -> float:
    """The median seconds one small durable write takes in a folder."""
    spent = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _round in range(FSYNC_ROUNDS):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def pss_bytes(processes: list[psutil.Process]) -> int:
    """Their memory, shared pages counted once."""
    return sum(_pss_of(process.pid) for process in processes)


def _pss_of(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """The CPU time they have spent so far."""
    times = [process.cpu_times() for process in processes if process.is_running()]
    return sum(spent.user + spent.system for spent in times)
