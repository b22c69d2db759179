# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The client process of `bin/bench live`: opens sockets, notes when each event came, prints what it saw as JSON.

Words on its standard input: ``open N`` opens N sockets more, ``report`` tells of what came since the last report.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from codexos.local.bench.lines import Line, open_line
from codexos.local.terminal import say


class Watch:
    """What one process sees of all runs."""

    def __init__(self, port: int, runs: list[tuple[str, str]]) -> None:
        self._port = port
        self._runs = runs
        self._at_once = asyncio.Semaphore(32)
        self.lines: list[Line] = []
        self.seen: list[int] = []
        self.delays: list[float] = []
        self.doubled = 0
        self.skipped = 0

    async def open(self, count: int) -> None:
        """Open sockets, one run after the other."""
        first = len(self.lines)
        self.seen += [0] * count
        opening = (self._open_one(number) for number in range(first, first + count))
        self.lines += await asyncio.gather(*opening)

    async def _open_one(self, number: int) -> Line:
        run_id, token = self._runs[number % len(self._runs)]
        async with self._at_once:
            return await open_line(self._port, f"/ws/runs/{run_id}/", token=token, hear=self._hearing(number))

    def _hearing(self, number: int) -> Callable[[bytes], None]:
        def hear(payload: bytes) -> None:
            now = time.time()
            event = json.loads(payload)
            if event["type"] == "heartbeat":
                return
            seq = event["seq"]
            if seq <= self.seen[number]:
                self.doubled += 1
                return
            self.skipped += seq - self.seen[number] - 1
            self.seen[number] = seq
            self.delays.append(now - datetime.fromisoformat(event["at"]).timestamp())

        return hear

    def report(self) -> dict[str, Any]:
        """Return what came since the last report."""
        delays, self.delays = self.delays, []
        return {
            "delays": [round(delay, 6) for delay in delays],
            "seen": sum(self.seen),
            "doubled": self.doubled,
            "skipped": self.skipped,
            "closed": sum(line.closed_with is not None for line in self.lines),
            "cpu": time.process_time(),
        }


async def main(port: int, runs: list[tuple[str, str]]) -> None:
    """Do as the words say, until there are none."""
    watch = Watch(port, runs)
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        if word[0] == "open":
            await watch.open(int(word[1]))
        say(json.dumps(watch.report()))


def raise_file_limit() -> None:
    """Let this process and those it starts hold as many sockets as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    raise_file_limit()
    asyncio.run(main(int(sys.argv[1]), json.loads(sys.stdin.readline())))
