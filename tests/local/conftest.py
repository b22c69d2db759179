# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A miniature checkout: the real launcher and the real servers around stand-ins for the product's processes."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from codexos.local.home import CHECKOUT, Home
from codexos.local.redis import free_port
from codexos.local.suite import clean_environment

SERVED = "Ctrl-C stops everything."


class Started:
    """One `bin/up` that runs, and what it has said so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", *, output: Path, home: Home, port: int) -> None:
        self.process = process
        self.home = home
        self.port = port
        self._output = output

    @property
    def said(self) -> str:
        """Everything it wrote to the terminal."""
        return self._output.read_text()

    def wait_for(self, words: str, *, seconds: float = 30) -> None:
        """Wait until it says ``words``."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            is_waiting = self.process.poll() is None and time.monotonic() < deadline
            assert is_waiting, f"it never said {words!r}:\n{self.said}"
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C and wait."""
        self.process.send_signal(number)
        return self.process.wait(40)

    def family(self) -> list[psutil.Process]:
        """Every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def number_of(self, name: str) -> int:
        """The process number of one of its processes."""
        # Whoever writes it anew empties it first.
        while not (words := (self.home.run / f"{name}.pid").read_text().split()):
            time.sleep(0.01)
        return int(words[0])


class Miniature:
    """A checkout small enough to start in a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(Path(__file__).parent / "miniature", folder)
        shutil.copytree(CHECKOUT / "bin", folder / "bin")
        shutil.copytree(CHECKOUT / "codexos" / "local", folder / "codexos" / "local")
        shutil.copy(CHECKOUT / "codexos" / "__init__.py", folder / "codexos")
        for name in ("requirements.txt", "requirements-dev.txt"):
            shutil.copy(CHECKOUT / name, folder)
        (folder / ".venv").symlink_to(sys.prefix)

    def environment(self, home: Home, *, port: int) -> dict[str, str]:
        """What a person would have set."""
        return {**clean_environment(os.environ), "CODEXOS_HOME": str(home.root), "PORT": str(port)}

    @contextmanager
    def up(self, name: str = "home", *, port: int = 0) -> Iterator[Started]:
        """Run `bin/up` on a home of that name until the block ends."""
        home, port = Home(self.folder / name), port or free_port()
        output = self.folder / f"{name}.out"
        with output.open("wb") as target:
            process = subprocess.Popen(
                [self.folder / "bin" / "up"],
                env=self.environment(home, port=port),
                stdout=target,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = Started(process, output=output, home=home, port=port)
        try:
            started.wait_for(SERVED)
            yield started
        finally:
            if process.poll() is None:
                started.stop()

    def run(self, *words: str, home: Home, port: int = 0, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run one of the commands to its end."""
        command = [self.folder / "bin" / words[0], *words[1:]]
        variables = self.environment(home, port=port or free_port()) | more
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def miniature() -> Iterator[Miniature]:
    """A miniature checkout, in a folder only this user can enter."""
    with tempfile.TemporaryDirectory(prefix="codexos-mini-") as folder:
        yield Miniature(Path(folder) / "checkout")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An empty home."""
    made = Home(tmp_path / "home")
    made.prepare()
    yield made
    made.forget_run()
