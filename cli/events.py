# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Following a run by server-sent events: dense, nothing twice, over as many cut connections as it takes."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .client import Client, quoted
from .exits import Exit
from .faults import Fault

PAUSES = (0.1, 0.3, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 10.0)
"""How long is waited between attempts that bring nothing; then following ends."""

Event = dict[str, Any]


def follow(
    client: Client, run_id: str, *, after: int = 0, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Event | None]:
    """Yield the entries of a run with a seq above ``after``, each once, until it finished; None while nothing comes.

    Raises Fault where the run may not be followed, or when nothing came over many attempts.
    """
    seen, fruitless = after, 0
    while True:
        fault: Fault | None = None
        try:
            for event in _entries(client, run_id, after=seen):
                fruitless = 0
                if event is not None:
                    seen = event["seq"]
                yield event
                if event is not None and event["type"] == "run.finished":
                    return
        except Fault as cut:
            if not cut.may_pass:
                raise
            fault = cut
        if fruitless == len(PAUSES):
            raise fault or Fault(f"The stream of run {run_id} keeps ending.", exit_code=Exit.UNAVAILABLE)
        sleep(max(PAUSES[fruitless], min(fault.retry_after or 0, 60) if fault else 0))
        fruitless += 1


def _entries(client: Client, run_id: str, *, after: int) -> Iterator[Event | None]:
    """Yield what one connection brings, as long as it is dense: behind a gap the journal is asked again."""
    with client.stream(f"/api/v1/runs/{quoted(run_id)}/events", headers={"Last-Event-ID": str(after)}) as lines:
        for event in read_events(lines):
            if event is None:
                yield None
            elif isinstance(seq := event.get("seq"), int) and seq > after:
                if seq != after + 1:
                    return
                after = seq
                yield event


def read_events(lines: Iterable[bytes]) -> Iterator[Event | None]:
    """Read a stream of server-sent events; None for a comment. An event cut off before its end is none."""
    data: list[str] = []
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith(":"):
            yield None
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and raw.endswith(b"\n") and data:
            event = _event("\n".join(data))
            data = []
            if event is not None:
                yield event


def _event(text: str) -> Event | None:
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("type"), str) else None
