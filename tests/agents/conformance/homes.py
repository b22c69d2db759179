# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The two homes of runs: memory, and PostgreSQL as the product uses it, with its roles, walls, claims and epochs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import LiteralString, ParamSpec, TypeVar
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import connections

from accounts.tenancy import tenant
from agents.adapters.events import EventPublisher
from agents.adapters.inbox import PostgresInbox
from agents.adapters.journal import PostgresJournal
from agents.adapters.journal_writer import Claim, JournalWriter
from agents.engine.documents import parse_flow
from agents.engine.graph import FlowGraph
from agents.engine.journal import Entry, decode_data
from agents.engine.journeys import Journey
from agents.engine.memory_journal import MemoryJournal
from agents.engine.ports import InboxMessage
from agents.engine.steps import RunContext
from agents.engine.travel import Past, keep
from agents.models import Flow, Run, RunStatus
from agents.models import InboxMessage as InboxRow
from agents.workers.loading import load_runs, read_entries, read_inbox
from agents.workers.past import read_kept
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue
from tests.agents.conformance.stage import Library, Taken
from tests.agents.engine.stage import Box
from tests.factories import World

P = ParamSpec("P")
R = TypeVar("R")

_FORGET: tuple[LiteralString, ...] = (
    "delete from agents_journalentry where run_id = any(%s)",
    "delete from agents_inboxmessage where run_id = any(%s)",
    "delete from agents_run where id = any(%s)",
)


@dataclass
class _Kept:
    document: JsonObject
    input: JsonValue
    library: Library
    parent: UUID | None = None
    journey: Journey | None = None
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    box: Box = field(default_factory=Box)
    epoch: int = 0


class MemoryHome:
    """Runs in this process."""

    who = "Ada"

    def __init__(self) -> None:
        self._runs: dict[UUID, _Kept] = {}
        self._flow: JsonObject = {}

    async def keep_flow(self, document: JsonObject) -> None:
        self._flow = document

    async def accept(self, document: JsonObject | None, run_input: JsonValue, *, library: Library) -> UUID:
        run_id = uuid4()
        kept = deepcopy(self._flow if document is None else document)
        self._runs[run_id] = _Kept(kept, run_input, deepcopy(dict(library)))
        return run_id

    async def go_on(self, run_id: UUID, journey: Journey, *, document: JsonObject | None, run_input: JsonValue) -> UUID:
        was, made = self._runs[run_id], uuid4()
        drawn = deepcopy(was.document if document is None else document)
        self._runs[made] = _Kept(drawn, run_input, was.library, parent=run_id, journey=journey)
        return made

    async def take(self, run_id: UUID) -> Taken:
        kept = self._runs[run_id]
        kept.epoch += 1
        kept.journal.fence = kept.epoch
        graph = parse_flow(kept.document, library=kept.library)
        run = RunContext(run_id, kept.input, kept.epoch, kept=self._taken_over(kept, graph))
        return Taken(graph, run, kept.journal, kept.box)

    def _taken_over(self, kept: _Kept, graph: FlowGraph) -> Sequence[Entry]:
        if kept.parent is None or kept.journey is None or kept.journal.entries:
            return ()
        was = self._runs[kept.parent]
        past = Past(parse_flow(was.document, library=was.library), was.input, was.journal.entries)
        return keep(kept.journey, past, graph=graph, input=kept.input)

    async def send(self, run_id: UUID, kind: str, data: JsonObject) -> None:
        messages = self._runs[run_id].box.messages
        messages.append(InboxMessage(f"m{len(messages)}", kind, self.who, data))  # type: ignore[arg-type]

    def entries(self, run_id: UUID) -> list[Entry]:
        return list(self._runs[run_id].journal.entries)


class PostgresHome:
    """Runs in the database: accepted and read as codexos_app under the tenant's wall, written as codexos_journal."""

    def __init__(self, world: World, truth: psycopg.Connection, *, writer: JournalWriter) -> None:
        self.who = str(world.dev.person)
        self._world = world
        self._truth = truth
        self._writer = writer
        self._publisher = EventPublisher(settings.REDIS_URL)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="home-db")
        self._claims: dict[UUID, Claim | None] = {}
        self._flow_id: UUID | None = None

    async def keep_flow(self, document: JsonObject) -> None:
        await self._in_thread(self._keep_flow, document)

    async def accept(self, document: JsonObject | None, run_input: JsonValue, *, library: Library) -> UUID:
        run_id = await self._in_thread(self._accept, document, run_input, library)
        self._claims[run_id] = None
        return run_id

    async def go_on(self, run_id: UUID, journey: Journey, *, document: JsonObject | None, run_input: JsonValue) -> UUID:
        made = await self._in_thread(self._go_on, run_id, journey, document, run_input)
        self._claims[made] = None
        return made

    async def take(self, run_id: UUID) -> Taken:
        claim = await self._claim(run_id)
        loaded = (await self._in_thread(load_runs, {claim.organization_id: [run_id]}))[run_id]
        if isinstance(loaded, Exception):
            raise loaded
        kept = await self._in_thread(read_kept, loaded, claim)
        return Taken(
            loaded.graph,
            RunContext(run_id, loaded.input, claim.epoch, kept=kept),
            PostgresJournal(claim, self._writer, publisher=self._publisher, read=self._read),
            PostgresInbox(claim, self._writer, read=self._read_inbox),
        )

    async def send(self, run_id: UUID, kind: str, data: JsonObject) -> None:
        await self._in_thread(self._send, run_id, kind, data)

    async def look(self) -> list[UUID]:
        """Look for runs as a worker does; return those that were taken."""
        return [claim.run_id for claim in await self._writer.claim(10)]

    def entries(self, run_id: UUID) -> list[Entry]:
        rows = self._truth.execute(
            "select seq, type, at, node_id, attempt, epoch, delta from agents_journalentry "
            "where run_id = %s order by seq",
            [run_id],
        )
        return [Entry(*row[:-1], decode_data(row[-1])) for row in rows]

    async def close(self) -> None:
        """Leave no run behind that somebody could claim."""
        await self._publisher.close()
        await self._in_thread(connections.close_all)
        self._threads.shutdown()
        for statement in _FORGET:
            self._truth.execute(statement, [list(self._claims)])

    async def _claim(self, run_id: UUID) -> Claim:
        # Its holder is dead, as far as anybody can tell; a run that waits is looked at for nothing.
        self._truth.execute(
            "update agents_run set claimed_until = null, has_post = has_post or status = 'waiting' where id = %s",
            [run_id],
        )
        others = [other for other in self._claims if other != run_id]
        claims = await self._writer.claim(1, besides=others)
        last = claims[0] if claims else self._claims[run_id]
        assert last is not None, "a run that was accepted could not be claimed"
        # One that has ended is claimed by nobody: its last holder looks at it again.
        self._claims[run_id] = replace(last, is_fresh=False)
        return last if claims else replace(last, is_fresh=False)

    def _keep_flow(self, document: JsonObject) -> None:
        world, flows = self._world, Flow.objects.for_organization(self._world.acme.id)
        with tenant(world.acme.id):
            drawn = {"draft": document, "draft_hash": "", "source": "", "format": "json"}
            if self._flow_id is None:
                self._flow_id = flows.create(
                    organization_id=world.acme.id,
                    project=world.project,
                    slug=f"flow-{uuid4()}",
                    name="Flow",
                    edited_at=clock.now(),
                    **drawn,
                ).id
            else:
                flows.filter(pk=self._flow_id).update(**drawn)

    def _accept(self, document: JsonObject | None, run_input: JsonValue, library: Library) -> UUID:
        world = self._world
        with tenant(world.acme.id):
            if document is None:
                document = Flow.objects.for_organization(world.acme.id).get(pk=self._flow_id).draft
            return Run.objects.create(
                organization_id=world.acme.id,
                project=world.project,
                label="conformance",
                document=document,
                input=run_input,
                library={
                    name: {"flow_id": str(uuid4()), "version": 1, "document": each} for name, each in library.items()
                },
                person_id=world.dev.person.id,
                flow_id=self._flow_id,
            ).id

    def _go_on(self, run_id: UUID, journey: Journey, document: JsonObject | None, run_input: JsonValue) -> UUID:
        with tenant(self._world.acme.id):
            run = Run.objects.for_organization(self._world.acme.id).get(pk=run_id)
            run.parent_id, run.origin, run.id = run_id, journey.as_data(), new_id()
            run.document, run.input = run.document if document is None else document, run_input
            run.status, run.started_at, run.completed_at, run.last_seq = RunStatus.QUEUED, None, None, 0
            run.epoch, run.claimed_until = 0, None
            run.save(force_insert=True)
            return run.id

    def _send(self, run_id: UUID, kind: str, data: JsonObject) -> None:
        organization_id, by = self._world.acme.id, self._world.dev.person
        with tenant(organization_id):
            InboxRow.objects.create(organization_id=organization_id, run_id=run_id, kind=kind, by=by, data=data)
            Run.objects.for_organization(organization_id).filter(pk=run_id).update(has_post=True)

    async def _read(self, claim: Claim, after: int) -> Sequence[Entry]:
        return await self._in_thread(read_entries, claim.run_id, organization_id=claim.organization_id, after=after)

    async def _read_inbox(self, claim: Claim) -> Sequence[InboxMessage]:
        return await self._in_thread(read_inbox, claim.run_id, organization_id=claim.organization_id)

    async def _in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


@asynccontextmanager
async def postgres_home(world: World, truth: psycopg.Connection) -> AsyncIterator[PostgresHome]:
    """A home with a writer of its own, which writes as the product's does."""
    writer = JournalWriter(settings.DATABASE_JOURNAL_URL, holder="conformance")
    writing = asyncio.create_task(writer.run())
    home = PostgresHome(world, truth, writer=writer)
    try:
        yield home
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await writer.close()
        await home.close()
