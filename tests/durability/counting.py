# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A server outside that counts: what each step asked of it, how often, and with which key."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tests.kernel.local_server import Asked, LocalServer, answer

STEP_SECONDS = 0.2


class CountingServer(LocalServer):
    """Takes 200 ms for every answer, and remembers every request."""

    def __init__(self) -> None:
        super().__init__(speech=self._speak)
        self._changed = threading.Condition()
        self.held = threading.Event()
        self.held.set()

    def _speak(self, asked: Asked) -> Iterator[bytes]:
        with self._changed:
            self._changed.notify_all()
        threading.Event().wait(STEP_SECONDS)
        self.held.wait(60)
        yield answer(b"done")

    def counts(self, flow: str) -> Mapping[str, int]:
        """Return how often each step of a flow asked."""
        return Counter(asked.path.rpartition("/")[2] for asked in self.asked if asked.path.startswith(f"/{flow}/"))

    def keys(self, flow: str) -> Mapping[str, set[str | None]]:
        """Return the Idempotency-Keys each step of a flow came with."""
        found: dict[str, set[str | None]] = {}
        for asked in self.asked:
            if asked.path.startswith(f"/{flow}/"):
                found.setdefault(asked.path.rpartition("/")[2], set()).add(asked.headers.get("idempotency-key"))
        return found

    def wait_until_asked(self, flow: str, times: int) -> None:
        """Wait until the steps of a flow have asked so often."""
        with self._changed:
            came = self._changed.wait_for(lambda: sum(self.counts(flow).values()) >= times, timeout=60)
        assert came, f"{flow} asked {self.counts(flow)} and no more"


def chain(server: LocalServer, name: str, *, method: str = "GET", steps: int = 20) -> dict[str, Any]:
    """Return a flow of so many requests, one after the other."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "entry", "next": "step1"}]
    for number in range(1, steps + 1):
        arguments = {"method": method, "url": server.url(f"/{name}/step{number}")}
        following = f"step{number + 1}" if number < steps else "end"
        nodes.append(
            {"id": f"step{number}", "type": "tool", "tool": "HTTPRequest", "arguments": arguments, "next": following}
        )
    return {"id": name, "nodes": [*nodes, {"id": "end", "type": "exit"}]}
