# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench engine`: the flow worker on real servers, once with its database in memory and once on the disk."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codexos.local import postgres
from codexos.local.bench.machine import fsync_floor, print_figures
from codexos.local.environment import Setup
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.servers import Servers
from codexos.local.suite import clean_environment
from codexos.local.terminal import say

BENCH = "engine"
MEMORY = Path("/dev/shm")  # noqa: S108 (the one folder that is in memory on every Linux)


def measure(*, rounds: int) -> None:
    """Measure in both places. Raises LocalFault with what the measured process said."""
    for place, folder in (("tmpfs", MEMORY), ("disk", CHECKOUT / ".codexos")):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
        with _served(folder) as variables:
            print_figures(
                BENCH, workload=f"{place} commit floor", system="machine", fsync_ms=fsync_floor(folder) * 1000
            )
            _load(variables, place=place, rounds=rounds)


@contextmanager
def _served(folder: Path) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="codexos-bench-", dir=folder, ignore_cleanup_errors=True) as name:
        root = Path(name)
        # The server runs as a user of its own, which must be able to pass through.
        root.chmod(0o711)
        setup = Setup(Home(root / "home"), {**clean_environment(os.environ), "CODEXOS_HOME": f"{name}/home"})
        setup.home.prepare()
        # Durable, as it is served: the settings of the cluster are those of bin/up.
        servers = Servers(setup)
        try:
            servers.start()
            administrator = postgres.address(setup.home, role=postgres.SUPERUSER)
            yield {**setup.variables(), "BENCH_ADMINISTRATOR_URL": administrator}
        finally:
            servers.stop()
            setup.home.forget_run()


def _load(variables: dict[str, str], *, place: str, rounds: int) -> None:
    for words in (
        ["manage.py", "prepare_database"],
        ["-m", "codexos.local.bench.engine_load", place, str(rounds)],
    ):
        done = subprocess.run(
            [CHECKOUT / ".venv" / "bin" / "python", *words],
            cwd=CHECKOUT,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LocalFault(f"`{' '.join(words)}` failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        if words[0] == "-m":
            say(done.stdout.rstrip())
