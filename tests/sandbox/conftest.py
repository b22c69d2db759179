# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One real sandbox service for all of these tests, with bounds small enough that no attempt harms the machine."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.adapters.sandbox import Sandbox
from codexos.local import sandbox_packages
from codexos.local.home import CHECKOUT
from tests.sandbox.table import TABLE, lines

OWN_USER = "60599:60599"
START_SECONDS = 30


class Served:
    """A service that runs, and its folders."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self.socket = str(folder / "sandbox.sock")
        self.folder = folder
        self.egress = folder / "egress"
        self.process = process
        self.sandbox = Sandbox(self.socket)


@contextmanager
def serving(*words: str, as_user: int | None = None, ends_well: bool = True) -> Iterator[Served]:
    """Serve while the block runs; ``words`` are added to the command line."""
    # Short, as a socket's path is; and passable, as the service is another user where this one is root.
    with tempfile.TemporaryDirectory(prefix="cx-sbx-") as name:
        folder = Path(name)
        folder.chmod(0o700 if as_user is None else 0o711)
        user = ["--user", OWN_USER] if os.geteuid() == 0 and as_user is None else []
        if as_user is not None:
            os.chown(folder, as_user, as_user)
        command = [_python(as_user), "-m", "sandbox", "--socket", str(folder / "sandbox.sock"), *user]
        command += ["--environment", str(sandbox_packages.make_ready()), "--most-memory", "512"]
        command += ["--folders", str(folder / "folders"), *words]
        (folder / "programs").mkdir()
        (folder / "programs").chmod(0o777)
        command += [] if "--programs" in words else ["--programs", str(folder / "programs")]
        # What a careless start would leave it with: neither may be seen inside.
        (folder / "open").write_text("CANARY")
        descriptor = os.open(folder / "open", os.O_RDONLY)
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={"PATH": os.defpath, "CODEXOS_CANARY": "CANARY"},
            pass_fds=[descriptor],
            umask=0o077,
            user=as_user,
            group=as_user,
            extra_groups=None if as_user is None else [],
        )
        os.close(descriptor)
        try:
            served = Served(folder, process)
            _wait_for(served)
            yield served
        finally:
            process.terminate()
            assert process.wait(20) == 0 or not ends_well


def _python(user: int | None) -> str:
    """One that ``user`` may run: ours may lie in a private folder."""
    if user is None:
        return sys.executable
    environment = sandbox_packages.make_ready()
    inside = (environment / "interpreter").read_text()
    return inside.replace(sandbox_packages.INSIDE, str(environment))


def _wait_for(served: Served) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not asyncio.run(served.sandbox.standing()).walls:
        assert served.process.poll() is None, "the service ended right after its start"
        assert time.monotonic() < deadline, "the service does not answer"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The service all tests share."""
    with serving() as made:
        yield made


@pytest.fixture
def sandbox(served: Served) -> Sandbox:
    """The door to it that the product uses."""
    return served.sandbox


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the escape table."""
    if TABLE:
        terminalreporter.section("the escape table")
        for line in lines():
            terminalreporter.write_line(line)
