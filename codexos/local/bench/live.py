# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench live`: entries on their way from the writer's clock to many sockets, and what an idle socket costs.

A web process as `bin/up` starts it, PostgreSQL with its roles and Redis; one process writes through the real journal,
another holds the sockets. A delay counts from the moment an entry was made (its ``at``), so its commit is part of it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from codexos.local.bench.api import percentile
from codexos.local.bench.companion import Companion
from codexos.local.bench.machine import cpu_seconds, print_figures, pss_bytes
from codexos.local.bench.watching import raise_file_limit
from codexos.local.environment import Setup, with_bytecode
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.processes import command_of
from codexos.local.redis import free_port
from codexos.local.servers import serving
from codexos.local.suite import BYTECODE, clean_environment

BENCH = "live"
RUNS = 2000
"""Each is watched by a socket of its own."""
WARM_UP_SECONDS = 3
SETTLE_SECONDS = 5.0
IDLE_SECONDS = 30.0  # every run is looked at twice, and every socket is pinged
START_SECONDS = 180.0
LATE_SECONDS = 60.0


def measure(*, rate: int, seconds: int, sockets: int) -> None:
    """Serve a home of its own, write to every run, and print what came when."""
    raise_file_limit()
    port = free_port()
    with _home(port) as variables, _web(port, variables=variables) as web:
        scribe = Companion("telling", words=[RUNS], variables=variables)
        runs = scribe.hear()
        scribe.hear()
        watch = Companion("watching", words=[port], variables=variables)
        watch.tell(json.dumps(runs))
        try:
            time.sleep(SETTLE_SECONDS)
            base = pss_bytes(web)
            _stream(web, scribe, watch, rate=rate, seconds=seconds)
            _idle(web, watch, sockets=max(sockets, RUNS + 1), base=base)
        finally:
            scribe.end()
            watch.end()


def _stream(web: list[psutil.Process], scribe: Companion, watch: Companion, *, rate: int, seconds: int) -> None:
    watch.ask(f"open {RUNS}")
    scribe.ask(f"write {rate} {WARM_UP_SECONDS}")
    time.sleep(1)
    written_before = scribe.ask("write 1 0.01")
    client = _all_seen(watch, written_before["written"])
    before, began = cpu_seconds(web), time.perf_counter()
    written = scribe.ask(f"write {rate} {seconds}")
    seen = _all_seen(watch, written["written"])
    passed = time.perf_counter() - began
    ordered = sorted(delay * 1000 for delay in seen["delays"])
    if not ordered:
        raise LocalFault("Nothing came over the sockets.")
    print_figures(
        BENCH,
        workload=f"{rate} entries/s over {RUNS} runs, a socket each",
        entries=len(ordered),
        p50_ms=percentile(ordered, 50),
        p95_ms=percentile(ordered, 95),
        p99_ms=percentile(ordered, 99),
        max_ms=ordered[-1],
        lost=written["written"] - seen["seen"],
        doubled=seen["doubled"],
        out_of_order=seen["skipped"],
        closed=seen["closed"],
        server_cpu_percent=100 * (cpu_seconds(web) - before) / passed,
        client_cpu_percent=100 * (seen["cpu"] - client["cpu"]) / passed,
        writer_cpu_percent=100 * (written["cpu"] - written_before["cpu"]) / passed,
        load_1m=os.getloadavg()[0],
    )


def _all_seen(watch: Companion, written: int) -> dict[str, Any]:
    """What was seen since the last time, when all that was written is: what comes late is late, and not lost."""
    deadline, delays = time.monotonic() + LATE_SECONDS, []
    while True:
        seen: dict[str, Any] = watch.ask("report")
        delays += seen["delays"]
        if seen["seen"] >= written or time.monotonic() > deadline:
            return seen | {"delays": delays}
        time.sleep(0.2)


def _idle(web: list[psutil.Process], watch: Companion, *, sockets: int, base: int) -> None:
    more = sockets - RUNS
    time.sleep(SETTLE_SECONDS)
    before, began = pss_bytes(web), time.perf_counter()
    seen = watch.ask(f"open {more}")
    opened = time.perf_counter() - began
    time.sleep(SETTLE_SECONDS)
    held, busy = pss_bytes(web), cpu_seconds(web)
    time.sleep(IDLE_SECONDS)
    print_figures(
        BENCH,
        workload=f"{sockets} idle sockets over {RUNS} runs",
        # Above what the process held before its first socket, and for the last ones alone.
        kb_per_socket=(held - base) / 1024 / sockets,
        kb_per_socket_more=(held - before) / 1024 / more,
        web_base_pss_mb=base / 1024**2,
        web_pss_mb=held / 1024**2,
        opened_per_second=more / opened,
        idle_cpu_percent=100 * (cpu_seconds(web) - busy) / IDLE_SECONDS,
        closed=watch.ask("report")["closed"] - seen["closed"],
        load_1m=os.getloadavg()[0],
    )


@contextmanager
def _home(port: int) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="codexos-bench-", ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder) / "home")
        given = with_bytecode(clean_environment(os.environ), folder=BYTECODE)
        given |= {"CODEXOS_HOME": str(home.root), "PORT": str(port)}
        setup = Setup(home, {**given, "CODEXOS_THROTTLES": "off", "DJANGO_SETTINGS_MODULE": "codexos.settings"})
        home.prepare()
        with serving(setup):
            variables = setup.variables()
            words = [sys.executable, "manage.py", "prepare_database"]
            subprocess.run(words, cwd=CHECKOUT, env=variables, check=True, stdout=subprocess.DEVNULL)
            yield variables


@contextmanager
def _web(port: int, *, variables: dict[str, str]) -> Iterator[list[psutil.Process]]:
    process = subprocess.Popen(command_of("web", variables=variables), cwd=CHECKOUT, env=variables)
    try:
        _wait_for(f"http://127.0.0.1:{port}/readyz")
        yield [psutil.Process(process.pid)]
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own address
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LocalFault(f"The web process does not answer: {error}") from error
        time.sleep(0.1)
