# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench engine`: the flow worker and its peers in turn on real servers, in memory first and then on the disk."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from codexos.local import postgres
from codexos.local.bench.companion import OWN_PYTHON, Companion
from codexos.local.bench.figures import Figures, above_floor, best_of, figures_of, ratios
from codexos.local.bench.machine import fsync_floor, print_figures
from codexos.local.bench.peers.environment import python_of_peers, versions
from codexos.local.bench.ruler import Ruler
from codexos.local.bench.workloads import WORKLOADS, Workload
from codexos.local.environment import Setup, with_bytecode
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.servers import serving
from codexos.local.suite import BYTECODE, clean_environment
from codexos.local.terminal import say

BENCH = "engine"
OURS = "codexos"
MEMORY = Path("/dev/shm")  # noqa: S108 (the one folder that is in memory on every Linux)


@dataclass(frozen=True)
class Place:
    """A PostgreSQL and a Redis somewhere, with our database in it."""

    name: str
    folder: Path
    setup: Setup

    @property
    def variables(self) -> dict[str, str]:
        """What our processes need; the administrator's address is for measuring."""
        return {**self.setup.variables(), "BENCH_ADMINISTRATOR_URL": self.address()}

    def address(self, database: str = postgres.DATABASE) -> str:
        """The administrator's address of a database."""
        return postgres.address(self.setup.home, role=postgres.SUPERUSER, database=database)


def measure(*, rounds: int, peers: Sequence[str], most_runs: int | None = None) -> None:
    """Measure in both places. Raises LocalFault where a process of the measurement ends."""
    python, peers = _installed(peers)
    for name, folder in (("tmpfs", MEMORY), ("disk", CHECKOUT / ".codexos")):
        with place_in(folder, name=name) as place, ExitStack() as stack:
            ruler = Ruler(place.address())
            stack.callback(ruler.close)
            systems = {OURS: Companion("engine_load", variables=place.variables)}
            for peer in peers:
                systems[peer] = _peer(peer, place=place, python=python, ruler=ruler)
            for system in systems.values():
                stack.callback(system.end)
            turns = _Turns(place, ruler, systems)
            for workload in WORKLOADS:
                turns.measure(workload.cut(most_runs), rounds=rounds)


@contextmanager
def place_in(folder: Path, *, name: str) -> Iterator[Place]:
    """Serve a home of the measurement's own, durable as `bin/up` serves it, with our tables."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="codexos-bench-", dir=folder, ignore_cleanup_errors=True) as made:
        root = Path(made)
        # The server runs as a user of its own, which must be able to pass through.
        root.chmod(0o711)
        given = with_bytecode(clean_environment(os.environ), folder=BYTECODE)
        setup = Setup(Home(root / "home"), {**given, "CODEXOS_HOME": f"{made}/home"})
        setup.home.prepare()
        with serving(setup):
            place = Place(name, folder, setup)
            _prepare_database(place.variables)
            yield place


def _prepare_database(variables: Mapping[str, str]) -> None:
    words = [str(OWN_PYTHON), "manage.py", "prepare_database"]
    done = subprocess.run(words, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalFault(f"The database could not be prepared:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def _installed(peers: Sequence[str]) -> tuple[Path, Sequence[str]]:
    """The peers' Python and who of them can be measured: none where they cannot be installed, which is said."""
    if not peers:
        return Path(), []
    try:
        python = python_of_peers()
    except LocalFault as fault:
        say(f"{fault} Only CodexOS is measured.", stream=sys.stderr)
        for peer in peers:
            print_figures(BENCH, workload="not measured", system=peer, why=str(fault))
        return Path(), []
    for peer in peers:
        print_figures(BENCH, workload="version", system=peer, version=versions()[peer])
    return python, peers


def _peer(name: str, *, place: Place, python: Path, ruler: Ruler) -> Companion:
    ruler.make_database(name)
    variables = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "BENCH_URL": place.address(name)}
    return Companion(f"peers.{name}_load", variables=variables, python=python)


class _Turns:
    """The systems of one place, which take turns: each round of a workload is done by one after the other."""

    def __init__(self, place: Place, ruler: Ruler, systems: Mapping[str, Companion]) -> None:
        self._place = place
        self._ruler = ruler
        self._systems = systems

    def measure(self, workload: Workload, *, rounds: int) -> None:
        """Measure a workload and print it."""
        floors: list[float] = []
        done: dict[str, list[Figures]] = {name: [] for name in self._systems}
        for _round in range(rounds):
            floors.append(self._ruler.commit_floor())
            for name in self._systems:
                done[name].append(self._once(name, workload))
        self._print(workload, done=done, floor_us=min(floors) * 1e6)

    def _once(self, name: str, workload: Workload) -> Figures:
        system = self._systems[name]
        told = system.ask(f"prepare {workload.runs} {workload.name}")
        before = self._ruler.read()
        told |= system.ask("go")
        written = self._ruler.read().since(before)
        return figures_of(workload, told=told | system.ask("end"), written=written)

    def _print(self, workload: Workload, *, done: Mapping[str, Sequence[Figures]], floor_us: float) -> None:
        shown = f"{self._place.name}: {workload.shown}"
        fsync_us = fsync_floor(self._place.folder) * 1e6
        floor = {"commit_us": floor_us, "fsync_us": fsync_us, "load_1m": os.getloadavg()[0]}
        print_figures(BENCH, workload=shown, system="machine", **floor)
        for name, rounds in done.items():
            best = best_of(rounds)
            print_figures(
                BENCH, workload=shown, system=name, **best, **above_floor(workload, best=best, floor_us=floor_us)
            )
        for name, rounds in done.items():
            if name != OURS:
                print_figures(BENCH, workload=shown, system="ratio", to=name, **ratios(done[OURS], rounds))
