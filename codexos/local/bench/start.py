# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench up`: a fresh clone's first start, its second, and the memory of all its processes when nothing happens."""

import subprocess
import tempfile
import time
from pathlib import Path

from codexos.local.bench.instance import Instance, running
from codexos.local.bench.machine import cpu_seconds, family, print_figures, pss_bytes
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.redis import free_port

BENCH = "up"
SETTLE_SECONDS = 20.0


def measure() -> None:
    """Clone what is committed, start it twice, and look at it when it is idle."""
    with tempfile.TemporaryDirectory(prefix="codexos-bench-", ignore_cleanup_errors=True) as folder:
        checkout, home = Path(folder) / "checkout", Home(Path(folder) / "home")
        _clone(checkout)
        port = free_port()
        with running(checkout, home, port=port) as cold:
            print_figures(BENCH, workload="cold", seconds=cold.start_seconds)
        with running(checkout, home, port=port) as warm:
            print_figures(BENCH, workload="warm", seconds=warm.start_seconds)
            _look_at_idle(warm)


def _clone(checkout: Path) -> None:
    run = subprocess.run(["git", "clone", "-q", CHECKOUT, checkout], capture_output=True, text=True, check=False)
    if run.returncode:
        raise LocalFault(f"The checkout could not be cloned: {run.stderr.strip()}")


def _look_at_idle(instance: Instance) -> None:
    time.sleep(SETTLE_SECONDS)
    everything = family(instance.pid)
    before = cpu_seconds(everything)
    time.sleep(SETTLE_SECONDS)
    spent = cpu_seconds(everything) - before
    print_figures(
        BENCH,
        workload="idle",
        pss_mb=pss_bytes(everything) / 1024**2,
        processes=len(everything),
        cpu_percent=100 * spent / SETTLE_SECONDS,
    )
