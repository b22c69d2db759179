# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The load of `bin/bench engine`: runs are accepted and carried as the product does it, by the product's own roles.

Twenty organizations take turns. Row-level security, leases, events over Redis and the settling of finished runs are
on. All runs of a workload are accepted first, by start_run, and what that takes is told apart: in service it happens
in another process. The time of a workload then begins with the worker and ends when its last run is over and settled.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from threading import Thread
from uuid import UUID

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
django.setup()

from django.conf import settings  # noqa: E402 (what follows needs Django)

from accounts.actor import Actor  # noqa: E402
from accounts.models import Person  # noqa: E402
from accounts.operations.organizations import found_organization  # noqa: E402
from accounts.queries.grants import load_actor  # noqa: E402
from agents.engine.errors import ToolUnknown  # noqa: E402
from agents.engine.tools import ToolSpec  # noqa: E402
from agents.operations.runs import RunRequest, start_run  # noqa: E402
from agents.workers.bell import WAKE_CHANNEL  # noqa: E402
from agents.workers.runs import FlowWorker  # noqa: E402
from codexos.kernel.chat import ContextDocument  # noqa: E402
from codexos.kernel.jsontypes import JsonObject, JsonValue  # noqa: E402
from codexos.local.bench.machine import print_figures  # noqa: E402

BENCH = "engine"
ORGANIZATIONS = 20
RESULT = "x" * 180
"""What a node gives: with what is around it, an entry's data has about two hundred bytes."""
# Called like one that there is, for a flow that names an unknown tool is not accepted.
NOTHING = ToolSpec(
    name="WebSearch",
    description="Does nothing outside, at once.",
    schema={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    reads_only=True,
)


class Nothings:
    """A toolbox whose one tool gives two hundred bytes at once."""

    def __init__(self, _documents: Sequence[ContextDocument]) -> None:
        return

    def describe(self, name: str) -> ToolSpec:
        """Return the one tool."""
        if name != NOTHING.name:
            raise ToolUnknown(tool=name, known=[NOTHING.name])
        return NOTHING

    async def call(self, name: str, arguments: JsonObject, *, key: str) -> JsonValue:
        """Give the result."""
        return {"text": RESULT}


class Worker:
    """A flow worker in a thread of its own."""

    def __init__(self, *, most_runs: int) -> None:
        self.inner = FlowWorker(
            journal_url=settings.DATABASE_JOURNAL_URL,
            redis_url=settings.REDIS_URL,
            holder="bench",
            wake_channel=WAKE_CHANNEL,
            open_toolbox=Nothings,
            most_runs=most_runs,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_until_complete, args=[self.inner.run()])

    def __enter__(self) -> FlowWorker:
        self._thread.start()
        return self.inner

    def __exit__(self, *_trouble: object) -> None:
        self._loop.call_soon_threadsafe(self.inner.stop)
        self._thread.join()


@dataclass(frozen=True)
class Workload:
    """Runs of one flow: how many, how many at a time."""

    name: str
    document: JsonObject
    runs: int
    at_once: int = 1

    @property
    def nodes(self) -> int:
        """How many nodes one run does."""
        found = self.document["nodes"]
        return len(found) if isinstance(found, list) else 0


def chain(length: int, *, of: str) -> JsonObject:
    """A chain of ``length`` nodes between an entry and an exit: ``pure`` ones choose, ``effect`` ones call a tool."""
    ids = [f"n{number}" for number in range(length)]
    ways = [*ids[1:], "end"]
    nodes = [_node(node_id, target, of=of) for node_id, target in zip(ids, ways, strict=True)]
    return _flow([{"id": "start", "type": "entry", "next": ids[0]}, *nodes])


def fan_out(width: int) -> JsonObject:
    """An entry that leads to ``width`` nodes side by side, which an exit joins."""
    ids = [f"n{number}" for number in range(width)]
    return _flow(
        [{"id": "start", "type": "entry", "next": ids}, *(_node(node_id, "end", of="effect") for node_id in ids)]
    )


def _node(node_id: str, target: str, *, of: str) -> JsonObject:
    if of == "pure":
        return {"id": node_id, "type": "condition", "expression": f"'{RESULT}'", "next": {"else": target}}
    return {"id": node_id, "type": "tool", "tool": NOTHING.name, "arguments": {"text": "go"}, "next": target}


def _flow(nodes: Sequence[JsonValue]) -> JsonObject:
    return {"id": "bench", "nodes": [*nodes, {"id": "end", "type": "exit", "output": "done"}]}


def make_actors() -> list[Actor]:
    """Found the organizations."""
    actors = []
    for number in range(ORGANIZATIONS):
        person = Person.objects.create_user(f"bench{number}@bench.example", name=f"Bench {number}")
        organization = found_organization(person, name=f"Bench {number}", slug=f"bench-{number}")
        actor = load_actor(person, organization_id=organization.id)
        if actor is not None:
            actors.append(actor)
    return actors


class Database:
    """The administrator's view, from outside of everything that is measured."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def wal_bytes(self) -> int:
        """How much write-ahead log there has been."""
        row = self._connection.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        return int(row[0]) if row else 0

    def unfinished(self) -> int:
        """How many runs are not over."""
        row = self._connection.execute("select count(*) from agents_run where completed_at is null").fetchone()
        return int(row[0]) if row else 0

    def entries(self) -> int:
        """How many entries there are."""
        row = self._connection.execute("select count(*) from agents_journalentry").fetchone()
        return int(row[0]) if row else 0


def carry(workload: Workload, actors: Sequence[Actor], database: Database) -> dict[str, float]:
    """Do a workload once; its figures."""
    accepting = _accept_all(workload, actors)
    entries, wal, cpu, began = database.entries(), database.wal_bytes(), _cpu(), time.perf_counter()
    with Worker(most_runs=workload.at_once) as worker:
        _until(lambda: not worker.carrying and database.unfinished() == 0)
        seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    wal, entries = database.wal_bytes() - wal, database.entries() - entries
    done = workload.runs * workload.nodes
    return {
        "us_per_node": seconds / done * 1e6,
        "cpu_us_per_node": cpu / done * 1e6,
        "runs_per_second": workload.runs / seconds,
        "accept_ms_per_run": accepting / workload.runs * 1000,
        "commits_per_node": worker.commits / done,
        "entries_per_node": entries / done,
        "wal_bytes_per_entry": wal / entries,
    }


def _accept_all(workload: Workload, actors: Sequence[Actor]) -> float:
    began = time.perf_counter()
    for actor in islice(cycle(actors), workload.runs):
        _accept(actor, workload.document)
    return time.perf_counter() - began


def _accept(actor: Actor, document: JsonObject) -> UUID:
    return start_run(actor, request=RunRequest(agent_id="bench", document=document, input="go")).id


def _until(is_over: Callable[[], bool]) -> None:
    while not is_over():
        time.sleep(0.001)


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def main(place: str, rounds: int) -> None:
    """Do every workload ``rounds`` times and print the best of each figure's rounds, by time per node."""
    workloads = (
        Workload("pure chain of 10", chain(10, of="pure"), runs=100),
        Workload("pure chain of 100", chain(100, of="pure"), runs=40),
        Workload("effect chain of 100", chain(100, of="effect"), runs=20),
        Workload("fan-out of 100 and join", fan_out(100), runs=20),
        Workload("1000 runs of 10 nodes, 50 at a time", chain(8, of="effect"), runs=1000, at_once=50),
    )
    actors = make_actors()
    database = Database(os.environ["BENCH_ADMINISTRATOR_URL"])
    for workload in workloads:
        tries = [carry(workload, actors, database) for _round in range(rounds)]
        best = min(tries, key=lambda figures: figures["us_per_node"])
        print_figures(BENCH, workload=f"{place}: {workload.name}", system="codexos", **best)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
