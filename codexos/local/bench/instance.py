# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A CodexOS of the measurement's own: started by the same command a person types."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codexos.local.errors import LocalFault
from codexos.local.home import Home
from codexos.local.suite import clean_environment

READY = "Ctrl-C stops everything."
START_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class Instance:
    """One that serves."""

    pid: int
    home: Home
    url: str
    start_seconds: float


@contextmanager
def running(checkout: Path, home: Home, *, port: int, **settings: str) -> Iterator[Instance]:
    """Run `bin/up` until the block ends. Raises LocalFault with what it said when it does not come up."""
    variables = {**clean_environment(os.environ), "CODEXOS_HOME": str(home.root), "PORT": str(port), **settings}
    output = home.root.with_suffix(".out")
    output.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with output.open("wb") as target:
        process = subprocess.Popen(
            [checkout / "bin" / "up"], env=variables, stdout=target, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(process, output=output)
        yield Instance(process.pid, home, f"http://127.0.0.1:{port}", time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait(process: "subprocess.Popen[bytes]", *, output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while READY not in output.read_text(encoding="utf-8", errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise LocalFault(f"bin/up did not come up:\n{output.read_text(encoding='utf-8', errors='replace')[-3000:]}")
        time.sleep(0.02)
