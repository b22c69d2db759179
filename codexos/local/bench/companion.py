# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A process of a measurement that answers each line it is sent with a line of JSON."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from codexos.local.errors import LocalFault
from codexos.local.home import CHECKOUT

OWN_PYTHON = CHECKOUT / ".venv" / "bin" / "python"


class Companion:
    """Runs a module of the measurements, under our Python or another one."""

    def __init__(
        self, module: str, *, variables: Mapping[str, str], words: Sequence[object] = (), python: Path = OWN_PYTHON
    ) -> None:
        self._module = module
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(
            [python, "-m", f"codexos.local.bench.{module}", *map(str, words)],
            cwd=CHECKOUT,
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self.pid = self._process.pid

    def tell(self, line: str) -> None:
        """Send a line."""
        words = cast(TextIO, self._process.stdin)
        try:
            words.write(f"{line}\n")
            words.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def hear(self) -> Any:
        """Return the next answer. Raises LocalFault where the process has ended."""
        line = cast(TextIO, self._process.stdout).readline()
        if not line:
            raise self._ended()
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Send a line and return the answer."""
        self.tell(line)
        return self.hear()

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._said.close()

    def stop(self, *, seconds: float = 30) -> None:
        """Ask it to end, and wait until it has."""
        self._process.terminate()
        self._process.wait(seconds)

    def _ended(self) -> LocalFault:
        self._said.seek(0)
        said = self._said.read().decode(errors="replace")
        return LocalFault(f"The process {self._module} of the measurement ended:\n{said[-4000:]}")
