# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""While it serves: keeps the journal once a day and large knowledge bases fast, by processes that are the owner."""

import subprocess
import sys
import time
from dataclasses import dataclass, field

from codexos.local.environment import Setup
from codexos.local.home import CHECKOUT

FIRST_AFTER_SECONDS = 60.0
TRY_AGAIN_AFTER_SECONDS = 3600.0


@dataclass
class Duty:
    """A command of `manage.py`, done again and again; one at a time, away from what serves."""

    setup: Setup
    command: str
    what: str
    every_seconds: float
    _due_at: float = field(default_factory=lambda: time.monotonic() + FIRST_AFTER_SECONDS)
    _running: "subprocess.Popen[bytes] | None" = None

    def look(self) -> list[str]:
        """Start it when it is due; one line where it failed."""
        now = time.monotonic()
        if self._running is None:
            if now >= self._due_at:
                self._start()
            return []
        code = self._running.poll()
        if code is None:
            return []
        self._running = None
        self._due_at = now + (TRY_AGAIN_AFTER_SECONDS if code else self.every_seconds)
        log = self.setup.home.logs / "upkeep.log"
        return [f"The upkeep of {self.what} failed; see {log}. It is tried again in an hour."] if code else []

    def _start(self) -> None:
        words = (sys.executable, "manage.py", self.command)
        with (self.setup.home.logs / "upkeep.log").open("ab") as log:
            self._running = subprocess.Popen(
                words, cwd=CHECKOUT, env=self.setup.variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )


class Upkeep:
    """Everything that is kept up."""

    def __init__(self, setup: Setup) -> None:
        self._duties = (
            Duty(setup, "maintain_journal", "the journal", every_seconds=24 * 3600.0),
            Duty(setup, "maintain_knowledge", "knowledge", every_seconds=600.0),
        )

    def look(self) -> list[str]:
        """Start what is due; a line for each that failed."""
        return [line for duty in self._duties for line in duty.look()]
