# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Our part of `bin/bench engine`: runs are accepted and carried as the product does it, by the product's own roles.

Twenty organizations take turns. Row-level security, leases, events over Redis and the settling of finished runs are
on. All runs of a workload are accepted first, by start_run, and what that takes is told apart: in service it happens
in another process. The time of a workload then begins with the worker and ends when its last run is over and settled.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from itertools import cycle, islice
from threading import Thread

import django
import psycopg
import uvloop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
django.setup()

from django.conf import settings  # noqa: E402 (what follows needs Django)

from accounts.actor import Actor  # noqa: E402
from accounts.models import Person  # noqa: E402
from accounts.operations.organizations import found_organization  # noqa: E402
from accounts.queries.grants import load_actor  # noqa: E402
from agents.adapters.tools.room import ToolRoom  # noqa: E402
from agents.engine.errors import ToolUnknown  # noqa: E402
from agents.engine.gate import Occasion  # noqa: E402
from agents.engine.tools import ToolSpec  # noqa: E402
from agents.models import Run  # noqa: E402
from agents.operations.runs import RunRequest, start_run  # noqa: E402
from agents.workers.bell import WAKE_CHANNEL  # noqa: E402
from agents.workers.runs import FlowWorker  # noqa: E402
from codexos.kernel.jsontypes import JsonObject, JsonValue  # noqa: E402
from codexos.local.bench.loading import Load, Told, serve  # noqa: E402
from codexos.local.bench.workloads import FAN_OUT, PURE, Workload, result_of  # noqa: E402

ORGANIZATIONS = 20
# Called like one that there is, for a flow that names an unknown tool is not accepted.
NOTHING = ToolSpec(
    name="WebSearch",
    description="Does nothing outside, at once.",
    schema={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    reads_only=True,
)


class Nothings:
    """A toolbox whose one tool gives the same text at once, or after some seconds."""

    def __init__(self, text: str, *, seconds: float = 0) -> None:
        self._text = text
        self._seconds = seconds

    def opened(self, _room: ToolRoom) -> "Nothings":
        """Open it for a run."""
        return self

    def names(self) -> Sequence[str]:
        """See the port."""
        return [NOTHING.name]

    def describe(self, name: str) -> ToolSpec:
        """Return the one tool."""
        if name != NOTHING.name:
            raise ToolUnknown(tool=name, known=[NOTHING.name])
        return NOTHING

    async def call(self, name: str, arguments: JsonObject, *, on: Occasion) -> JsonValue:
        """Give the text."""
        if self._seconds:
            await asyncio.sleep(self._seconds)
        return {"text": self._text}


class Worker:
    """A flow worker in a thread of its own."""

    def __init__(self, toolbox: Nothings, *, most_runs: int, holder: str = "bench") -> None:
        self.inner = FlowWorker(
            journal_url=settings.DATABASE_JOURNAL_URL,
            redis_url=settings.REDIS_URL,
            holder=holder,
            wake_channel=WAKE_CHANNEL,
            open_toolbox=toolbox.opened,
            most_runs=most_runs,
        )
        self._loop = uvloop.new_event_loop()
        self._thread = Thread(target=self._loop.run_until_complete, args=[self.inner.run()])

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop as a node that is told to stop, and wait for it."""
        self._loop.call_soon_threadsafe(self.inner.stop)
        self._thread.join()


def document_of(workload: Workload) -> JsonObject:
    """A flow between an entry and an exit: nodes of a ``pure`` one choose, all others call a tool."""
    ids = [f"n{number}" for number in range(workload.nodes)]
    is_wide = workload.shape == FAN_OUT
    ways = ["end"] * workload.nodes if is_wide else [*ids[1:], "end"]
    text = result_of(workload.result_bytes) if workload.shape == PURE else None
    nodes: list[JsonValue] = [_node(node_id, target, text=text) for node_id, target in zip(ids, ways, strict=True)]
    start: JsonValue = {"id": "start", "type": "entry", "next": [*ids] if is_wide else ids[0]}
    return {"id": "bench", "nodes": [start, *nodes, {"id": "end", "type": "exit", "output": "done"}]}


def _node(node_id: str, target: str, *, text: str | None) -> JsonObject:
    if text is not None:
        return {"id": node_id, "type": "condition", "expression": f"'{text}'", "next": {"else": target}}
    return {"id": node_id, "type": "tool", "tool": NOTHING.name, "arguments": {"text": "go"}, "next": target}


def make_actors() -> list[Actor]:
    """Found the organizations."""
    return [make_actor(number) for number in range(ORGANIZATIONS)]


def make_actor(number: int) -> Actor:
    """Found an organization; who founded it."""
    person = Person.objects.create_user(f"bench{number}@bench.example", name=f"Bench {number}")
    organization = found_organization(person, name=f"Bench {number}", slug=f"bench-{number}")
    actor = load_actor(person, organization_id=organization.id)
    if actor is None:
        raise SystemExit("The one who founded an organization is not in it.")
    return actor


def accept(actor: Actor, document: JsonObject) -> Run:
    """Accept a run."""
    return start_run(actor, request=RunRequest(agent_id="bench", document=document, input="go"))


class Carrying:
    """A worker and the runs that wait for it."""

    def __init__(self, workload: Workload, database: psycopg.Connection[tuple[int]]) -> None:
        self._worker = Worker(Nothings(result_of(workload.result_bytes)), most_runs=workload.at_once)
        self._database = database

    def go(self) -> None:
        """Start the worker and wait until no run is left, not even to be settled."""
        self._worker.start()
        while self._worker.inner.carrying or self._worker.inner.unsettled or self._unfinished():
            time.sleep(0.003)

    def end(self) -> Told:
        """Stop the worker."""
        self._worker.stop()
        return {"journal_commits": self._worker.inner.commits}

    def _unfinished(self) -> int:
        row = self._database.execute("select count(*) from agents_run where completed_at is null").fetchone()
        return row[0] if row else 0


def main() -> None:
    """Serve."""
    database = psycopg.connect(os.environ["BENCH_ADMINISTRATOR_URL"], autocommit=True)
    actors = make_actors()

    def prepare(workload: Workload) -> tuple[Load, Told]:
        document, began = document_of(workload), time.perf_counter()
        for actor in islice(cycle(actors), workload.runs):
            accept(actor, document)
        return Carrying(workload, database), {"accepting": time.perf_counter() - began}

    serve(prepare)


if __name__ == "__main__":
    main()
