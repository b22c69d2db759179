# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The whole product as `bin/up` serves it in a home of its own: every process real, every restart its supervisor's."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg

from codexos.local import postgres, redis, stamps
from codexos.local.environment import Setup
from codexos.local.home import CHECKOUT, Home
from codexos.local.suite import BYTECODE, clean_environment, copy_prepared
from codexos.local.up import schema_digest
from tests.local.conftest import SERVED, Started

CELERY = ("flows", "jobs", "beat")
PATIENCE_SECONDS = 90.0
"""How long anything may take on a machine that does much else; nothing here measures speed."""


@dataclass(frozen=True)
class Fact:
    """One entry of a run's journal, as the database has it."""

    seq: int
    type: str
    node_id: str | None
    epoch: int
    data: Mapping[str, Any]


class Instance:
    """A `bin/up` that serves, and a developer who uses it."""

    def __init__(self, started: Started) -> None:
        self._started = started
        self.home = started.home
        self._url = f"http://127.0.0.1:{started.port}"
        organization = json.loads(self.home.demo.read_text())["organizations"][0]
        self._project = organization["project"]["id"]
        self._token = next(person["token"] for person in organization["people"] if person["role"] == "developer")

    def call(self, path: str, body: Any = None, **headers: str) -> Any:
        """Ask the API as the developer; a body makes it a POST."""
        with self.open(path, body, **headers) as answer:
            return json.load(answer)

    def open(self, path: str, body: Any = None, **headers: str) -> Any:
        """Return the open answer of the API."""
        given = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, given)  # noqa: S310 - our own address
        return urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310

    def start(self, flow: Mapping[str, Any]) -> str:
        """Start a run; return its id once it is accepted."""
        body = {"agent_id": flow["id"], "flow": flow, "input": "go", "project_id": self._project}
        return str(self.call("/agent/run", body, Prefer="respond-async")["id"])

    def run(self, run_id: str) -> Any:
        """Return a run as the API shows it."""
        return self.call(f"/api/v1/runs/{run_id}/")

    def wait_for(self, run_id: str, status: str) -> Any:
        """Wait until a run has a status; return the run."""
        self.until(lambda: self._status(run_id) in {status, "failed", "succeeded", "cancelled"})
        run = self.run(run_id)
        assert run["status"] == status, run
        return run

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something another process brings about."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self._started.said
            time.sleep(0.05)

    def _status(self, run_id: str) -> str | None:
        try:
            return str(self.run(run_id)["status"])
        except (OSError, urllib.error.URLError):  # what it is asked of is being started again
            return None

    def facts(self, run_id: str) -> list[Fact]:
        """Return a run's journal."""
        statement = "select seq, type, node_id, epoch, delta from agents_journalentry where run_id = %s order by seq"
        return [Fact(*row[:4], json.loads(row[4])) for row in self._truth(statement, run_id)]

    def holder_of(self, run_id: str) -> str:
        """Return who took a run last."""
        ((holder,),) = self._truth("select claimed_by from agents_run where id = %s", run_id)
        return str(holder)

    def _truth(self, statement: LiteralString, *parameters: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(postgres.address(self.home, role=postgres.SUPERUSER)) as truth:
            return truth.execute(statement, parameters).fetchall()

    def processes(self, *names: str) -> list[psutil.Process]:
        """Return processes by their names in the Procfile, with all they started."""
        found = [psutil.Process(self._started.number_of(name)) for name in names]
        return [process for one in found for process in (one, *one.children(recursive=True))]

    def kill(self, *names: str) -> None:
        """Kill processes with all they started, as a machine out of memory would."""
        for process in self.processes(*names):
            process.kill()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send one of its processes a signal."""
        os.kill(self._started.number_of(name), number)

    def wait_until_back(self, name: str, *, before: int) -> None:
        """Wait until the supervisor has started a process anew."""
        self.until(lambda: self._started.number_of(name) != before)

    def number_of(self, name: str) -> int:
        """Return the number of a process."""
        return self._started.number_of(name)

    @contextmanager
    def another_flow_node(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a second Celery node for flows beside the supervisor's."""
        variables = Setup(self.home, self._started_with()).variables()
        words = "celery -A codexos.celery worker -P solo -Q flows -n second@%h --without-gossip --without-mingle"
        log = (self.home.logs / "second.log").open("wb")
        node = subprocess.Popen(words.split(), cwd=CHECKOUT, env=variables, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield node
        finally:
            node.kill()
            node.wait()

    def _started_with(self) -> dict[str, str]:
        return psutil.Process(self._started.process.pid).environ()


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[Instance]:
    """Run `bin/up` on a home in ``folder`` whose schema is prepared, until the block ends."""
    home, port, output = Home(folder / "home"), redis.free_port(), folder / "said"
    given = {**clean_environment(os.environ), "CODEXOS_HOME": str(home.root), "PORT": str(port), **settings}
    given.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))
    if copy_prepared(home):
        home.prepare()
        redis.prepare(home)
        stamps.record(home.run / "stamps" / "schema", schema_digest(Setup(home, given)))
    with output.open("wb") as target:
        process = subprocess.Popen(
            [CHECKOUT / "bin" / "up"], env=given, stdout=target, stderr=subprocess.STDOUT, start_new_session=True
        )
    started = Started(process, output=output, home=home, port=port)
    try:
        started.wait_for(SERVED, seconds=PATIENCE_SECONDS * 2)
        yield Instance(started)
    finally:
        if process.poll() is None:
            started.stop()
