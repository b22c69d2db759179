# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench load`: many runs that wait for a slow model in one flow worker, what they weigh, and letting them go."""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import psutil
import psycopg

from codexos.local.bench.companion import Companion
from codexos.local.bench.engine import place_in
from codexos.local.bench.machine import family, print_figures, pss_bytes
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT

BENCH = "load"
PATIENCE_SECONDS = 900
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_FLOWS = "celery -A codexos.celery worker -P solo -Q flows -n flows@bench --without-gossip --without-mingle"


class SlowModel:
    """A provider that begins every answer and ends none."""

    def __init__(self) -> None:
        self.asked = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "SlowModel":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *_trouble: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _open(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, asking: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await asking.readuntil(b"\r\n\r\n")
            answer.write(_HEAD)
            await answer.drain()
            self.asked += 1
            # The body is small and comes with the head or behind it; then nothing comes until the other side hangs up.
            while await asking.read(65536):
                pass
        answer.close()


def measure(*, runs: int) -> None:
    """Measure. Raises LocalFault."""
    with SlowModel() as model, place_in(CHECKOUT / ".codexos", name="disk") as place:
        variables = {
            **place.variables,
            "CODEXOS_MODEL_URL": f"http://127.0.0.1:{model.port}/v1",
            "CODEXOS_MODELS": "slow",
            "CODEXOS_EGRESS_ALLOW": f"127.0.0.1:{model.port}",
            "CODEXOS_RUNS_PER_WORKER": str(runs),
        }
        accepting = Companion("load_runs", variables=variables)
        try:
            with _worker(variables) as worker, psycopg.connect(place.address(), autocommit=True) as database:
                _figures(runs, model, worker, database=database, accepting=accepting)
        finally:
            accepting.end()


def _figures(
    runs: int, model: SlowModel, worker: psutil.Process, *, database: psycopg.Connection, accepting: Companion
) -> None:
    accepting.ask("1")
    _until(lambda: model.asked == 1, worker)
    base = pss_bytes(family(worker.pid))
    began = time.perf_counter()
    accepting.ask(str(runs - 1))
    _until(lambda: model.asked >= runs, worker)
    all_wait = time.perf_counter() - began
    pss, rss, cpu = pss_bytes(family(worker.pid)), worker.memory_info().rss, sum(worker.cpu_times()[:2])
    time.sleep(10)
    idle = sum(worker.cpu_times()[:2]) - cpu
    began = time.perf_counter()
    worker.terminate()
    held = "select count(*) from agents_run where claimed_until is not null"
    _until(lambda: database.execute(held).fetchone() == (0,), None)
    handed_over = time.perf_counter() - began
    worker.wait(60)
    print_figures(
        BENCH,
        workload=f"{runs} runs wait for a slow model in one worker",
        pss_mb=pss / 1024**2,
        rss_mb=rss / 1024**2,
        base_mb=base / 1024**2,
        kb_per_run=(pss - base) / runs / 1024,
        all_wait_seconds=all_wait,
        waiting_cpu_percent=idle * 10,
        handed_over_seconds=handed_over,
        ended_seconds=time.perf_counter() - began,
        connections=_connections(database),
    )


def _connections(database: psycopg.Connection) -> int:
    row = database.execute("select count(*) from pg_stat_activity where usename like 'codexos_%'").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _worker(variables: dict[str, str]) -> Iterator[psutil.Process]:
    words = [str(CHECKOUT / ".venv" / "bin" / "python"), "-m", *_FLOWS.split(), "--loglevel", "WARNING"]
    with open(os.devnull, "wb") as nothing:
        process = subprocess.Popen(words, cwd=CHECKOUT, env=variables, stdout=nothing, stderr=nothing)
    try:
        yield psutil.Process(process.pid)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _until(is_so: Callable[[], bool], worker: psutil.Process | None) -> None:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not is_so():
        if time.perf_counter() > deadline or (worker is not None and not worker.is_running()):
            raise LocalFault("The runs did not come to where they were to wait; is there room for so many sockets?")
        time.sleep(0.02)
