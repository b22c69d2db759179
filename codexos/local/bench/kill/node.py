# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whole nodes and servers are ended under the runs of a product that `bin/up` serves: nothing of it is a stand-in."""

import json
import os
import signal
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from codexos.local import postgres
from codexos.local.bench.instance import Instance, running
from codexos.local.bench.kill.flow import answer_to
from codexos.local.bench.kill.harness import Story, read_facts, wrong_effects, wrong_history
from codexos.local.bench.kill.server import CountingServer
from codexos.local.bench.machine import print_figures
from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT, Home
from codexos.local.processes import DATABASE, QUEUE
from codexos.local.redis import free_port

BENCH = "kill"
STEPS = 12
STEP_SECONDS = 0.1
READING, WRITING = 3, 1
"""How many runs of each kind are under way when it happens."""
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Harm:
    """What is ended, by which signal, how often."""

    name: str
    processes: Sequence[str]
    signal: signal.Signals
    times: int


HARMS = (
    Harm("every Celery process killed", ("flows", "jobs", "beat"), signal.SIGKILL, times=12),
    Harm("PostgreSQL shut down without recovery", (DATABASE,), signal.SIGQUIT, times=4),
    Harm("Redis killed", (QUEUE,), signal.SIGKILL, times=4),
)


def measure_harms(*, most_times: int | None) -> None:
    """Do every harm as often as it says, each time in the middle of runs; print what came of them."""
    with _product() as product:
        for harm in HARMS:
            times = harm.times if most_times is None else min(most_times, harm.times)
            stories, waits = zip(*(_after(harm, product) for _time in range(times)), strict=True)
            _print_stories(harm, [story for some in stories for story in some], times=times, worst=max(waits))


def _after(harm: Harm, product: "_Product") -> tuple[list[Story], float]:
    """Start runs and do them harm; what came of them, and how long that took."""
    under_way = product.start_runs()
    began = time.monotonic()
    product.do_harm(harm)
    return [product.story_of(label, run_id) for label, run_id in under_way.items()], time.monotonic() - began


def _print_stories(harm: Harm, stories: Sequence[Story], *, times: int, worst: float) -> None:
    troubles = {story.run_id: _wrong_with(story) for story in stories}
    for run_id, found in troubles.items():
        if found:
            print_figures(BENCH, workload="wrong", run=run_id, why="; ".join(found))
    print_figures(
        BENCH,
        workload=harm.name,
        times=times,
        runs=len(stories),
        resumed=sum(len(story.of_type("run.started")) > 1 for story in stories),
        wrong=sum(map(bool, troubles.values())),
        doubled=sum(any("doubled" in text for text in found) for found in troubles.values()),
        uncertain=sum(story.uncertain for story in stories),
        repeated_reads=sum(sum(asked - 1 for asked in story.asked.values()) for story in stories),
        worst_s_to_the_end=worst,
        load_1m=os.getloadavg()[0],
    )


def _wrong_with(story: Story) -> list[str]:
    names = [f"s{number}" for number in range(STEPS)]
    found = wrong_history(story) + wrong_effects(story, {name: name for name in names})
    if story.status != "succeeded":
        found.append(f"it {story.status}")
    is_writing = any(fact.data.get("may_repeat") is False for fact in story.of_type("step.intended"))
    most = 1 if is_writing else 2
    found += [f"{name} was doubled: {story.asked[name]} times" for name in names if not 1 <= story.asked[name] <= most]
    return found


class _Product:
    """A CodexOS that serves, its outside, and the developer who uses it."""

    def __init__(self, instance: Instance, server: CountingServer) -> None:
        self._instance = instance
        self._server = server
        organization = json.loads(instance.home.demo.read_text(encoding="utf-8"))["organizations"][0]
        self._project = organization["project"]["id"]
        self._token = next(person["token"] for person in organization["people"] if person["role"] == "developer")
        self._runs = 0

    def start_runs(self) -> dict[str, str]:
        """Start runs, and return their labels and ids when all are in their middle."""
        started = {}
        for method in ["GET"] * READING + ["POST"] * WRITING:
            self._runs += 1
            label = f"r{self._runs}"
            flow = _chain(f"http://127.0.0.1:{self._server.port}/{label}", method)
            body = {"agent_id": label, "flow": flow, "input": "go", "project_id": self._project}
            started[label] = str(self._call("/agent/run", body, Prefer="respond-async")["id"])
        for label in started:
            _until(lambda label=label: self._server.counts[label].total() >= 3)  # type: ignore[misc]
        return started

    def do_harm(self, harm: Harm) -> None:
        """End processes with all that they started, and wait until the supervisor has them back."""
        _until(lambda: None not in map(self._number_of, harm.processes))
        before = {name: number for name in harm.processes if (number := self._number_of(name)) is not None}
        victims = [psutil.Process(number) for number in before.values()]
        if harm.signal == signal.SIGKILL:
            victims = [process for one in victims for process in (*one.children(recursive=True), one)]
        for process in victims:
            process.send_signal(harm.signal)
        for name, number in before.items():
            _until(lambda name=name, number=number: self._number_of(name) not in {None, number})  # type: ignore[misc]

    def story_of(self, label: str, run_id: str) -> Story:
        """Look after a run to its end, as its person: who is asked looks outside."""
        story = Story(label, run_id, fatal=())
        # A server that is ended may end more than one of a run's holders: each may cut what it had under way.
        story.kills = 1
        while (run := self._settled(run_id))["status"] == "waiting":
            for waits in run["waiting"]:
                story.uncertain += 1
                self._decide(label, run_id, str(waits["node_id"]))
            _until(lambda: not self._run(run_id).get("waiting"))
        story.status = str(run["status"])
        with psycopg.connect(postgres.address(self._instance.home, role=postgres.SUPERUSER)) as database:
            story.facts = read_facts(database, run_id)
        story.asked = self._server.counts[label]
        return story

    def _decide(self, label: str, run_id: str, step: str) -> None:
        decision: dict[str, Any] = {"node_id": step, "decision": "again"}
        if self._server.counts[label][step]:
            decision |= {"decision": "done", "result": {"status": 200, "json": answer_to(step)}}
        self._call(f"/api/v1/runs/{run_id}/decide/", decision)

    def _settled(self, run_id: str) -> Any:
        _until(lambda: self._run(run_id).get("status") not in {None, "queued", "running"})
        return self._run(run_id)

    def _run(self, run_id: str) -> Any:
        try:
            return self._call(f"/api/v1/runs/{run_id}/")
        except OSError:  # what it is asked of is being started again
            return {}

    def _call(self, path: str, body: Any = None, **headers: str) -> Any:
        given = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._instance.url + path, data, given)  # noqa: S310 (our own address)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return json.load(answer)

    def _number_of(self, name: str) -> int | None:
        # Empty in the moment in which it is written anew.
        words = (self._instance.home.run / f"{name}.pid").read_text(encoding="utf-8").split()
        return int(words[0]) if words else None


@contextmanager
def _product() -> Iterator[_Product]:
    with (
        CountingServer(seconds=STEP_SECONDS) as server,
        tempfile.TemporaryDirectory(prefix="codexos-bench-", ignore_cleanup_errors=True) as folder,
        running(
            CHECKOUT,
            Home(Path(folder) / "home"),
            port=free_port(),
            CODEXOS_THROTTLES="off",
            CODEXOS_EGRESS_ALLOW=f"127.0.0.1:{server.port}",
        ) as instance,
    ):
        yield _Product(instance, server)


def _chain(url: str, method: str) -> dict[str, Any]:
    names = [f"s{number}" for number in range(STEPS)]
    steps = [
        {
            "id": name,
            "type": "tool",
            "tool": "HTTPRequest",
            "arguments": {"method": method, "url": f"{url}/{name}"},
            "next": following,
        }
        for name, following in zip(names, [*names[1:], "end"], strict=True)
    ]
    return {
        "id": "chain",
        "nodes": [{"id": "start", "type": "entry", "next": "s0"}, *steps, {"id": "end", "type": "exit"}],
    }


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise LocalFault("What was waited for did not come.")
        time.sleep(0.05)
