# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""While it serves: keeps the journal once a day, in a process of its own, which alone speaks as the owner."""

import subprocess
import sys
import time
from dataclasses import dataclass, field

from codexos.local.environment import Setup
from codexos.local.home import CHECKOUT

FIRST_AFTER_SECONDS = 60.0
EVERY_SECONDS = 24 * 3600.0
TRY_AGAIN_AFTER_SECONDS = 3600.0
WORDS = (sys.executable, "manage.py", "maintain_journal")


@dataclass
class Upkeep:
    """The daily run of `manage.py maintain_journal`."""

    setup: Setup
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
        self._due_at = now + (TRY_AGAIN_AFTER_SECONDS if code else EVERY_SECONDS)
        log = self.setup.home.logs / "upkeep.log"
        return [f"The journal's upkeep failed; see {log}. It is tried again in an hour."] if code else []

    def _start(self) -> None:
        with (self.setup.home.logs / "upkeep.log").open("ab") as log:
            self._running = subprocess.Popen(
                WORDS, cwd=CHECKOUT, env=self.setup.variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
