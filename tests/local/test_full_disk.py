# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The whole product on a disk that fills up: a small file system of its own, mounted where only `bin/up` sees it."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from codexos.local import postgres, redis, stamps
from codexos.local.home import CHECKOUT, Home
from codexos.local.suite import CACHE, clean_environment
from tests.local.conftest import SERVED

SIZE = "460m"
# Root's servers change to a user of their own, for which a root that is none outside would not do.
HIDDEN = ["unshare", "--mount", "--propagation", "private"]
MINE = [*HIDDEN, "--map-root-user"]
MOUNT = f'mount -t tmpfs -o size={SIZE},mode=0700 tmpfs "$1"'
# What bin/test has prepared spares this the migrations.
COPY = '{ [ ! -d "$2/postgres" ] || cp -a "$2/." "$1"; }'
PROBLEM = "application/problem+json"
MOST_TRIES = 400
FLOW = {"id": "f", "nodes": [{"id": "start", "type": "entry", "next": "end"}, {"id": "end", "type": "exit"}]}


class Answer(NamedTuple):
    """What came back."""

    status: int
    kind: str
    body: bytes

    @property
    def is_refusal(self) -> bool:
        """Whether it says, as it should, that there is no room or no database just now."""
        return (self.status, self.kind) == (503, PROBLEM) and "request_id" in json.loads(self.body)


@dataclass
class Small:
    """A product on a small disk."""

    process: "subprocess.Popen[bytes]"
    home: Home
    port: int
    output: Path
    token: str = ""
    project: str = ""

    @property
    def disk(self) -> Path:
        """The small disk, seen from outside."""
        return Path(f"/proc/{self.process.pid}/root{self.home.root}")

    def meet(self) -> None:
        """Wait until it serves, and take a person's token."""
        deadline = time.monotonic() + 180
        while SERVED not in self.output.read_text():
            is_waiting = self.process.poll() is None and time.monotonic() < deadline
            assert is_waiting, self.output.read_text()
            time.sleep(0.1)
        organization = json.loads((self.disk / "demo.json").read_text())["organizations"][0]
        self.token = next(person["token"] for person in organization["people"] if person["role"] == "org_admin")
        self.project = organization["project"]["id"]

    def wait_to_hear(self, sentence: str) -> None:
        """Wait until ``bin/up`` has said something: it looks around every second, and restarts what ended first."""
        deadline = time.monotonic() + 60
        while sentence not in self.output.read_text():
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask once."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if body is not None and not isinstance(body, bytes):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body=body, headers=headers)
        found = connection.getresponse()
        answer = Answer(found.status, found.headers.get("Content-Type", ""), found.read())
        connection.close()
        return answer

    def file(self, name: str) -> str:
        """The address of a file."""
        return f"/api/v1/projects/{self.project}/files/{name}"

    def run_a_flow(self, text: str) -> Answer:
        """Run one."""
        return self.ask(
            "POST", "/agent/run", {"agent_id": "a", "flow": FLOW, "input": text, "project_id": self.project}
        )

    def fill(self) -> None:
        """Take all the room there is, to the last byte."""
        with (self.disk / "ballast").open("ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while ballast.write(b"x" * size):
                        pass

    def need_another_log(self) -> None:
        """Have PostgreSQL begin new files of its log until one finds no room, of which it dies."""
        password = (self.disk / "keys" / postgres.SUPERUSER).read_text().strip()
        place = {"host": str(postgres.socket_folder(self.home)), "dbname": postgres.DATABASE}
        with pytest.raises(psycopg.Error):  # noqa: PT012, SIM117
            with psycopg.connect(**place, user=postgres.SUPERUSER, password=password, autocommit=True) as server:
                for _again in range(MOST_TRIES):
                    server.execute(
                        "select pg_logical_emit_message(false, 'test', repeat('x', 100000)), pg_switch_wal()"
                    )


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """Serve on a small disk until the test ends."""
    hidden = HIDDEN if os.geteuid() == 0 else MINE
    probe = subprocess.run([*hidden, "sh", "-c", MOUNT, "sh", tmp_path], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"this system lets nobody mount a file system of their own: {probe.stderr.strip()}")
    back = "" if os.geteuid() == 0 else f"unshare --user --map-user={os.geteuid()} --map-group={os.getegid()} "
    with tempfile.TemporaryDirectory(prefix="codexos-small-") as name:
        home, port, output = Home(Path(name)), redis.free_port(), tmp_path / "up.out"
        cached = CACHE / stamps.schema_digest(also=postgres.MAJOR)[:16]
        script = f'{MOUNT} && {COPY} && shift 2 && exec {back}"$@"'
        with output.open("wb") as target:
            process = subprocess.Popen(
                [*hidden, "sh", "-c", script, "sh", home.root, cached, CHECKOUT / "bin" / "up"],
                env={**clean_environment(os.environ), "CODEXOS_HOME": str(home.root), "PORT": str(port)},
                stdout=target,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        product = Small(process, home, port, output)
        try:
            product.meet()
            yield product
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def teams_until_refused(small: Small) -> tuple[set[str], list[Answer]]:
    """Make teams until three are refused; the names of those that were accepted, and what was said to the others."""
    accepted, others = set(), []
    for number in range(MOST_TRIES):
        answer = small.ask("POST", "/api/v1/teams/", {"name": f"Team {number}"})
        if answer.status == 201:
            accepted.add(f"Team {number}")
        else:
            others.append(answer)
        if len(others) == 3:
            break
    return accepted, others


def wait_until_it_goes_on(small: Small) -> None:
    deadline = time.monotonic() + 120
    while (answer := small.ask("POST", "/api/v1/teams/", {"name": f"Later {time.monotonic()}"})).status != 201:
        assert answer.is_refusal, answer
        assert time.monotonic() < deadline, small.output.read_text()
        time.sleep(0.5)


def test_a_full_disk_is_said_clearly_and_nothing_accepted_is_lost(small: Small) -> None:
    assert small.ask("PUT", small.file("before.md"), b"# kept").status == 201
    small.fill()

    stored = small.ask("PUT", small.file("during.md"), b"y" * 200_000)
    assert stored.is_refusal
    assert json.loads(stored.body)["code"] == "storage_full"
    accepted, refused = teams_until_refused(small)
    assert len(refused) == 3
    assert all(answer.is_refusal for answer in refused), refused
    assert small.run_a_flow("x" * 30_000).is_refusal
    assert small.ask("GET", "/api/v1/projects/").status == 200
    assert small.ask("GET", small.file("before.md")).body == b"# kept"

    small.need_another_log()
    for path in ("/readyz", "/api/v1/projects/", "/readyz"):
        answer = small.ask("GET", path)
        assert answer.status == 200 or answer.is_refusal, answer
    assert small.ask("GET", "/healthz").status == 200
    small.wait_to_hear(f"The disk of {small.home.root} is full: nothing new can be saved.")

    (small.disk / "ballast").unlink()
    wait_until_it_goes_on(small)
    names = {team["name"] for team in json.loads(small.ask("GET", "/api/v1/teams/?limit=200").body)["results"]}
    assert accepted <= names
    assert {f"Team {number}" for number in range(len(accepted) + 3)} & names == accepted, "a refusal kept nothing"
    assert small.ask("GET", small.file("before.md")).body == b"# kept"
    assert small.ask("GET", small.file("during.md")).status == 404
    ran = small.run_a_flow("hello")
    assert (ran.status, json.loads(ran.body)["status"]) == (200, "succeeded")
    assert small.ask("GET", "/readyz").status == 200
    small.process.send_signal(signal.SIGINT)
    assert small.process.wait(60) == 0, small.output.read_text()
