# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""`bin/bench api`: an open loop. Requests leave on time, answered or not; waiting is latency."""

import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
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
class Answer:
    """One request that was answered, or was not (status 0)."""

    path: str
    status: int
    seconds: float


class Client:
    """Persistent connections, one a thread."""

    def __init__(self, url: str, *, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._local = threading.local()

    def get(self, path: str, *, due: float) -> Answer:
        """Ask; the time counts from when the request was due. A kept connection may just have been closed as idle."""
        is_kept = getattr(self._local, "connection", None) is not None
        try:
            status = self._ask(path)
        except (OSError, http.client.HTTPException):
            self._local.connection = None
            if is_kept:
                return self.get(path, due=due)
            status = 0
        return Answer(path, status, time.perf_counter() - due)

    def _ask(self, path: str) -> int:
        connection = getattr(self._local, "connection", None) or http.client.HTTPConnection(self._host, timeout=30)
        self._local.connection = connection
        connection.request("GET", path, headers=self._headers)
        answer = connection.getresponse()
        answer.read()
        return int(answer.status)


def measure(*, rate: int, seconds: int) -> None:
    """Load an instance of its own and print latency and CPU."""
    with _instance() as instance:
        token, paths = _demo(instance)
        client = Client(instance.url, token=token)
        load(client, paths, rate=rate, seconds=WARM_UP_SECONDS)
        web = family(int((instance.home.run / "web.pid").read_text(encoding="utf-8").split()[0]))
        everything = family(instance.pid)
        before = cpu_seconds(web), cpu_seconds(everything)
        answers = load(client, paths, rate=rate, seconds=seconds)
        after = cpu_seconds(web), cpu_seconds(everything)
        per_request = [1000 * (end - start) / len(answers) for start, end in zip(before, after, strict=True)]
    for path in paths:
        _print(f"GET {_shown(path)}", [answer for answer in answers if answer.path == path], rate=rate)
    _print("all", answers, rate=rate, web_cpu_ms=per_request[0], all_cpu_ms=per_request[1])


@contextmanager
def _instance() -> Iterator[Instance]:
    folder = tempfile.TemporaryDirectory(prefix="codexos-bench-", ignore_cleanup_errors=True)
    with folder as name, running(CHECKOUT, _home(name), port=free_port(), CODEXOS_THROTTLES="off") as instance:
        yield instance


def _home(folder: str) -> Home:
    return Home(Path(folder) / "home")


def _demo(instance: Instance) -> tuple[str, list[str]]:
    """The token of a demo person, and what such a person reads."""
    organization = json.loads(instance.home.demo.read_text(encoding="utf-8"))["organizations"][0]
    person = next((p for p in organization["people"] if p["role"] == "developer"), organization["people"][0])
    project = organization["project"]["id"]
    lists = ["/api/v1/projects/", "/api/v1/flows/", "/api/v1/runs/"]
    return person["token"], [*lists, f"/api/v1/projects/{project}/files/"]


def load(client: Client, paths: list[str], *, rate: int, seconds: int) -> list[Answer]:
    """Send ``rate`` requests a second for so long; every answer."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        began = time.perf_counter() + 0.1
        sent = []
        for number in range(rate * seconds):
            due = began + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            sent.append(pool.submit(client.get, paths[number % len(paths)], due=due))
        return [future.result() for future in sent]


def _print(workload: str, answers: list[Answer], *, rate: int, **more: Figure) -> None:
    ordered = sorted(answer.seconds * 1000 for answer in answers)
    print_figures(
        BENCH,
        workload=workload,
        system="codexos",
        rate=rate,
        requests=len(answers),
        failed=sum(answer.status != 200 for answer in answers),
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
