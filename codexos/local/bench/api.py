# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench api`: an open loop. Requests leave on time, answered or not; waiting is latency."""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from codexos.local.bench.instance import Instance, running
from codexos.local.bench.machine import Figure, cpu_seconds, family, print_figures
from codexos.local.home import CHECKOUT, Home
from codexos.local.redis import free_port

BENCH = "api"
CONNECTIONS = 24
WARM_UP_SECONDS = 3


@dataclass(frozen=True)
class Call:
    """One request: a read, or with a body a write."""

    path: str
    body: str = ""

    @property
    def method(self) -> str:
        """How it is sent."""
        return "POST" if self.body else "GET"


@dataclass(frozen=True)
class Answer:
    """One request that was answered, or was not (status 0)."""

    call: Call
    status: int
    seconds: float


class Client:
    """Persistent connections, one a thread."""

    def __init__(self, url: str, *, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        self._local = threading.local()

    def send(self, call: Call, *, due: float) -> Answer:
        """Ask; the time counts from when the request was due. A kept connection may just have been closed as idle."""
        is_kept = getattr(self._local, "connection", None) is not None
        try:
            status = self._ask(call)
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            if is_kept:
                return self.send(call, due=due)
            status = 0
        return Answer(call, status, time.perf_counter() - due)

    def _ask(self, call: Call) -> int:
        connection = getattr(self._local, "connection", None) or http.client.HTTPConnection(self._host, timeout=30)
        self._local.connection = connection
        connection.request(call.method, call.path, body=call.body.encode() or None, headers=self._headers)
        answer = connection.getresponse()
        answer.read()
        return int(answer.status)


def measure(*, rate: int, seconds: int) -> None:
    """Load an instance of its own and print latency and CPU."""
    with own_instance() as instance:
        token, paths = _demo(instance)
        client, calls = Client(instance.url, token=token), [Call(path) for path in paths]
        load(client, calls, rate=rate, seconds=WARM_UP_SECONDS)
        web = family(int((instance.home.run / "web.pid").read_text(encoding="utf-8").split()[0]))
        everything = family(instance.pid)
        before = cpu_seconds(web), cpu_seconds(everything)
        answers = load(client, calls, rate=rate, seconds=seconds)
        after = cpu_seconds(web), cpu_seconds(everything)
        per_request = [1000 * (end - start) / len(answers) for start, end in zip(before, after, strict=True)]
    for call in calls:
        mine = [answer for answer in answers if answer.call == call]
        print_answers(BENCH, mine, workload=f"GET {_shown(call.path)}", rate=rate)
    print_answers(BENCH, answers, workload="all", rate=rate, web_cpu_ms=per_request[0], all_cpu_ms=per_request[1])


@contextmanager
def own_instance() -> Iterator[Instance]:
    """Serve a product of the measurement's own, without limits of rate, until the block ends."""
    folder = tempfile.TemporaryDirectory(prefix="codexos-bench-", ignore_cleanup_errors=True)
    with folder as name, running(CHECKOUT, _home(name), port=free_port(), CODEXOS_THROTTLES="off") as instance:
        yield instance


def _home(folder: str) -> Home:
    return Home(Path(folder) / "home")


def _demo(instance: Instance) -> tuple[str, list[str]]:
    token, project = demo_developer(instance)
    lists = ["/api/v1/projects/", "/api/v1/flows/", "/api/v1/runs/"]
    return token, [*lists, f"/api/v1/projects/{project}/files/"]


def demo_developer(instance: Instance) -> tuple[str, str]:
    """The token of a demo developer, and the id of their project."""
    organization = json.loads(instance.home.demo.read_text(encoding="utf-8"))["organizations"][0]
    person = next((p for p in organization["people"] if p["role"] == "developer"), organization["people"][0])
    return person["token"], organization["project"]["id"]


def load(client: Client, calls: Sequence[Call], *, rate: int, seconds: int) -> list[Answer]:
    """Send ``rate`` requests a second for so long, the calls in turn; every answer."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        began = time.perf_counter() + 0.1
        sent = []
        for number in range(rate * seconds):
            due = began + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            sent.append(pool.submit(client.send, calls[number % len(calls)], due=due))
        return [future.result() for future in sent]


def print_answers(bench: str, answers: list[Answer], *, workload: str, rate: int, **more: Figure) -> None:
    """Print how long answers took, and how many were none."""
    ordered = sorted(answer.seconds * 1000 for answer in answers)
    print_figures(
        bench,
        workload=workload,
        system="codexos",
        rate=rate,
        requests=len(answers),
        failed=sum(answer.status not in (200, 201) for answer in answers),
        p50_ms=percentile(ordered, 50),
        p95_ms=percentile(ordered, 95),
        max_ms=ordered[-1],
        **more,
    )


def percentile(ordered: list[float], part: int) -> float:
    """The value below which ``part`` percent of them lie."""
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]


def _shown(path: str) -> str:
    return "/".join("<id>" if len(part) == 36 and part.count("-") == 4 else part for part in path.split("/"))
