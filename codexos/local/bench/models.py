# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench models`: what asking a model takes here, beside httpx alone and litellm, at one server in one run."""

import os
import secrets
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from codexos.local.bench.companion import Companion
from codexos.local.bench.machine import print_figures
from codexos.local.bench.model_load import KEY, SYSTEMS

BENCH = "models"
OURS, WHOLE, FLOOR, PEER = "codexos", "codexos gateway", "httpx", "litellm"
WARM_UP = 20
CALLS = 200
TOGETHER = 500

Figures = Mapping[str, float]


@dataclass(frozen=True)
class _Workload:
    """What every system is told to do, and how it is shown."""

    shown: str
    word: str
    count: int
    model: str
    figure: str


# litellm takes so long for each that a tenth of them says as much.
WORKLOADS = (
    _Workload("one answer of 50 pieces", "calls", CALLS, "stream-50-0", "cpu_ms_per_call"),
    _Workload("one answer of 3 pieces", "calls", CALLS, "stream-3-0", "cpu_ms_per_call"),
    _Workload("time to the first token", "first", CALLS, "stream-3-0", "first_token_ms"),
)
ALL_AT_ONCE = _Workload(f"{TOGETHER} streams at once", "together", TOGETHER, "stream-40-100", "cpu_seconds")


def measure(*, rounds: int) -> None:
    """Measure. Raises LocalFault."""
    with ExitStack() as stack:
        server = stack.enter_context(_server())
        port = server.hear()
        systems = {name: stack.enter_context(_system(name, port=port)) for name in SYSTEMS}
        for name, package in ((FLOOR, "httpx"), (PEER, "litellm")):
            print_figures(BENCH, workload="version", system=name, version=version(package))
        for system in systems.values():
            system.ask(f"calls {WARM_UP} stream-3-0")
        for workload in WORKLOADS:
            _print(workload, _in_turns(workload, systems, rounds=rounds))
        _measure_together(server, systems)


def _in_turns(workload: _Workload, systems: Mapping[str, Companion], *, rounds: int) -> dict[str, list[Figures]]:
    """Let one after the other do it, round by round, so that what else goes on meets all of them."""
    done: dict[str, list[Figures]] = {name: [] for name in systems}
    for _round in range(rounds):
        for name, system in systems.items():
            count = workload.count // 10 if name == PEER else workload.count
            done[name].append(system.ask(f"{workload.word} {count} {workload.model}"))
    return done


def _print(workload: _Workload, done: Mapping[str, Sequence[Figures]]) -> None:
    load = os.getloadavg()[0]
    best = {name: min(rounds, key=lambda told: told[workload.figure]) for name, rounds in done.items()}
    for name, told in best.items():
        median = statistics.median(each[workload.figure] for each in done[name])
        median_of = {f"{workload.figure}_median": median}
        print_figures(BENCH, workload=workload.shown, system=name, **told, **median_of, load_1m=load)
    figures = {name: told[workload.figure] for name, told in best.items()}
    for mine in (OURS, WHOLE):
        shown = {"workload": workload.shown, "of": mine}
        if workload.word == "first":
            print_figures(BENCH, system="difference", to=FLOOR, added_ms=figures[mine] - figures[FLOOR], **shown)
            continue
        print_figures(BENCH, system="ratio", to=FLOOR, times=figures[mine] / figures[FLOOR], **shown)
        print_figures(BENCH, system="ratio", to=PEER, times=figures[mine] / figures[PEER], **shown)


def _measure_together(server: Companion, systems: Mapping[str, Companion]) -> None:
    """Hold many answers open at once in one process; every one of them is looked at whole."""
    for name in (OURS, WHOLE, FLOOR):
        server.ask("most")
        told = systems[name].ask(f"{ALL_AT_ONCE.word} {ALL_AT_ONCE.count} {ALL_AT_ONCE.model}")
        figures = {**told, "open_at_once": server.ask("most"), "load_1m": os.getloadavg()[0]}
        print_figures(BENCH, workload=ALL_AT_ONCE.shown, system=name, **figures)


@contextmanager
def _server() -> Iterator[Companion]:
    server = Companion("model_server", variables=os.environ)
    try:
        yield server
    finally:
        server.end()


@contextmanager
def _system(name: str, *, port: int) -> Iterator[Companion]:
    url = f"http://127.0.0.1:{port}/v1"
    variables = {
        **os.environ,
        # No database is asked: what an installation's own settings name is answered without one.
        "CODEXOS_MASTER_KEY": secrets.token_hex(32),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "CODEXOS_MODEL_URL": url,
        "CODEXOS_MODELS": "*",
        "CODEXOS_MODEL_KEY": KEY,
    }
    system = Companion("model_load", variables=variables, words=(name, port))
    try:
        yield system
    finally:
        system.end()
