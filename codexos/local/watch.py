# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""While it serves: says in one line what ended and was started again, and what a person must know."""

import shutil
import time
import xmlrpc.client
from dataclasses import dataclass, field

from codexos.local import processes
from codexos.local.leftovers import clear_leftovers
from codexos.local.logtail import LogTail
from codexos.local.privileges import reap_orphans
from codexos.local.supervision import ProcessState, Supervisor
from codexos.local.terminal import say
from codexos.local.upkeep import Upkeep

LOOK_EVERY_SECONDS = 1.0
TRY_AGAIN_AFTER_SECONDS = 30.0
REPEAT_WARNING_AFTER_SECONDS = 300.0
LEAST_FREE_BYTES = 1024 * 1024
DISK_WORDS = ("No space left on device", "could not write to file", "MISCONF")


@dataclass
class Watch:
    """What was seen last, so that only changes are said."""

    supervisor: Supervisor
    _pids: dict[str, int] = field(default_factory=dict)
    _gave_up: dict[str, float] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _warned_at: float = float("-inf")

    def look(self, states: list[ProcessState]) -> list[str]:
        """Compare with the last look; one line for every change."""
        return [line for state in states for line in self._judge(state)]

    def _judge(self, state: ProcessState) -> list[str]:
        known = self._pids.get(state.name)
        if state.state == "FATAL":
            return self._give_up(state)
        if not state.is_alive:
            is_news = known is not None and state.name not in self._ended
            self._ended.add(state.name)
            return [f"{state.name} ended unexpectedly; it is being started again."] if is_news else []
        self._pids[state.name] = state.pid
        if state.name in self._ended:
            self._ended.discard(state.name)
            return [f"{state.name} runs again."] if state.state == "RUNNING" else self._wait_for(state)
        if known is not None and known != state.pid:
            return [f"{state.name} ended unexpectedly and was started again."]
        return []

    def _wait_for(self, state: ProcessState) -> list[str]:
        self._ended.add(state.name)
        return []

    def _give_up(self, state: ProcessState) -> list[str]:
        now = time.monotonic()
        last = self._gave_up.get(state.name)
        if last is not None and now - last < TRY_AGAIN_AFTER_SECONDS:
            return []
        self._gave_up[state.name] = now
        self._ended.add(state.name)
        self.supervisor.start_process(state.name)
        log = self.supervisor.setup.home.logs / f"{state.name}.log"
        return [f"{state.name} keeps ending right after its start; see {log}. It is tried again every 30 s."]

    def warn_of_disk(self, text: str) -> list[str]:
        """A full disk is said in a sentence, once in a while."""
        now, home = time.monotonic(), self.supervisor.setup.home.root
        # On a disk that is full to the last byte the servers cannot even write that into their logs.
        is_full = any(words in text for words in DISK_WORDS) or shutil.disk_usage(home).free < LEAST_FREE_BYTES
        if not is_full or now - self._warned_at < REPEAT_WARNING_AFTER_SECONDS:
            return []
        self._warned_at = now
        return [
            f"The disk of {home} is full: nothing new can be saved. What was saved is safe; free some space "
            "(df -h shows where) and it goes on by itself."
        ]


def watch(supervisor: Supervisor) -> None:
    """Look every second until this process is told to stop."""
    watching = Watch(supervisor)
    upkeep = Upkeep(supervisor.setup)
    logs = [LogTail(supervisor.setup.home.logs / f"{name}.log") for name in (processes.DATABASE, processes.QUEUE)]
    while True:
        try:
            lines = watching.look(supervisor.states())
        except (OSError, xmlrpc.client.Error):
            lines = _revive(supervisor)
            watching = Watch(supervisor)
        for log in logs:
            lines += watching.warn_of_disk(log.news())
        lines += upkeep.look()
        for line in lines:
            say(f"   {time.strftime('%H:%M:%S')}  {line}")
        reap_orphans(but=supervisor.pid)
        time.sleep(LOOK_EVERY_SECONDS)


def _revive(supervisor: Supervisor) -> list[str]:
    """Start everything again when supervisord itself was killed; its processes end with it."""
    supervisor.stop()
    clear_leftovers(supervisor.setup.home)
    supervisor.start()
    for name in (*supervisor.servers, *supervisor.product):
        supervisor.start_process(name)
    return ["The supervisor was killed; everything was started again."]
