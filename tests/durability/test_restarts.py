# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PostgreSQL and Redis are restarted in the middle of a run: it ends, and whoever watches misses nothing."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from codexos.local.processes import DATABASE, QUEUE
from tests.durability.counting import CountingServer, chain
from tests.durability.instance import PATIENCE_SECONDS, Instance


def follow(instance: Instance, run_id: str) -> list[dict[str, Any]]:
    """Follow a run as a browser's EventSource does: from the newest event it has, again after every cut."""
    events: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        newest = str(events[-1]["seq"] if events else 0)
        headers = {"Accept": "text/event-stream", "Last-Event-ID": newest}
        with suppress(OSError, HTTPException), instance.open(f"/api/v1/runs/{run_id}/events", **headers) as stream:
            for line in stream:
                event = json.loads(line[6:]) if line.startswith(b"data: ") else {}
                if event.get("seq") and event["type"] != "heartbeat":
                    events.append(event)
                if event.get("type") in {"run.finished", "run.waiting"}:
                    return events
    raise AssertionError(f"the run does not end: {events[-3:]}")


def test_both_servers_are_restarted_and_nothing_is_lost_or_done_again(
    instance: Instance, counting: CountingServer
) -> None:
    # given
    reading = instance.start(chain(counting, "through-reading"))
    writing = instance.start(chain(counting, "through-writing", method="POST"))
    with ThreadPoolExecutor(2) as followers:
        followed = [followers.submit(follow, instance, run_id) for run_id in (reading, writing)]
        # when
        counting.wait_until_asked("through-reading", 4)
        before = instance.number_of(QUEUE)
        instance.kill(QUEUE)
        instance.wait_until_back(QUEUE, before=before)
        counting.wait_until_asked("through-reading", 9)
        before = instance.number_of(DATABASE)
        instance.signal(DATABASE, signal.SIGQUIT)  # what `pg_ctl -m immediate` sends: no goodbye, recovery at the start
        instance.wait_until_back(DATABASE, before=before)
        told = [one.result() for one in followed]
    # then
    for run_id, name, events in zip((reading, writing), ("through-reading", "through-writing"), told, strict=True):
        facts = instance.facts(run_id)
        assert facts[-1].data["status"] == "succeeded"
        assert [event["seq"] for event in events] == [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
        assert counting.counts(name) == {f"step{number}": 1 for number in range(1, 21)}
