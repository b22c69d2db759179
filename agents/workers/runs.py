# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The flow worker: claims runs, holds their leases, builds an engine for each and advances it.

One asyncio loop carries many runs; nothing of a run is kept here that its journal does not have.
"""

import asyncio
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import InterfaceError, OperationalError

from agents.adapters.claims import Claim
from agents.adapters.database_threads import DatabaseThreads
from agents.adapters.events import EventPublisher
from agents.adapters.holders import is_gone
from agents.adapters.journal_writer import JournalWriter
from agents.adapters.leases import LEASE_SECONDS, PATIENCE
from agents.adapters.shelves.mcp_client.adapter import close_sessions
from agents.adapters.toolbox import BuiltInToolbox
from agents.engine.errors import LeaseLost
from agents.engine.executor import Executor
from agents.engine.journal import Entry, usage_data, usage_of
from agents.engine.ports import Ports
from agents.engine.steps import RunContext
from agents.errors import TakenTooOften
from agents.workers.asking import call_people
from agents.workers.ending import settle_runs
from agents.workers.lasting import keep_going
from agents.workers.loading import (
    LoadedRun,
    load_runs,
    read_documents,
    with_shelved,
)
from agents.workers.outfitting import OpenToolbox, Outfitter
from agents.workers.pacing import Pace
from agents.workers.past import read_kept
from agents.workers.room import Room
from agents.workers.settling import Settler
from codexos.kernel import clock
from codexos.kernel.chat import ContextDocument
from codexos.kernel.errors import CodexosError
from codexos.kernel.ids import parse_id
from codexos.kernel.jsontypes import JsonObject

logger = logging.getLogger(__name__)

SHARE_OF_ONE = 0.5
"""How much of a worker's places one organization may take, so that there is always one for the others."""
LOOK_EVERY_SECONDS = 1.0
RENEW_EVERY_SECONDS = LEASE_SECONDS / 3
INHERIT_EVERY_SECONDS = 2.0
DATABASE_THREADS = 2
PATIENT_SECONDS = 2.0
LAST_SECONDS = 10.0
"""When stopping: how long steps may take to end by themselves; then how long those that nobody may make again."""
MOST_TEXT_BYTES = 128 * 1024 * 1024
"""How much text of documents is held for all runs together; in memory it takes up to four times as much."""
MOST_BAD_TAKES = 20
"""How often a run is taken up without coming on before it is given up: one that ends its workers must not for ever."""

# The writer speaks psycopg, what is read in threads speaks Django, which wraps the same troubles in its own.
_DATABASE_AWAY = (psycopg.Error, OperationalError, InterfaceError, OSError)

Loading = asyncio.Future[dict[UUID, LoadedRun | Exception]]


class FlowWorker:
    """Carries the runs of one Celery node."""

    def __init__(
        self,
        *,
        journal_url: str,
        redis_url: str,
        holder: str,
        wake_channel: str,
        open_toolbox: OpenToolbox = BuiltInToolbox,
        most_runs: int | None = None,
    ) -> None:
        self._journal_url = journal_url
        self._wake_channel = wake_channel
        self._most_runs = most_runs or settings.RUNS_PER_WORKER
        self._most_of_one = max(1, int(self._most_runs * SHARE_OF_ONE))
        self._writer = JournalWriter(journal_url, holder=holder, most_runs_of_one=settings.RUNS_PER_ORGANIZATION)
        self._publisher = EventPublisher(redis_url)
        self._in_thread = DatabaseThreads(DATABASE_THREADS, name="flows-db")
        # Of its own: the keeper of the vault's key may be slow, and nobody else is to wait for it.
        self._in_vault = DatabaseThreads(DATABASE_THREADS, name="flows-vault")
        self._room = Room(MOST_TEXT_BYTES)
        self._pace = Pace(self._most_runs)
        self._settler = Settler(self._settle)
        # One for each place: a run that asks many models at once shares with the others.
        self._outfitter = Outfitter(
            self._writer,
            self._publisher,
            in_thread=self._in_thread,
            in_vault=self._in_vault,
            calls=asyncio.Semaphore(self._most_runs),
            open_toolbox=open_toolbox,
        )
        self._held: dict[UUID, tuple[Claim, asyncio.Task[None]]] = {}
        self._executors: dict[UUID, Executor] = {}
        self._ended_lines: set[str] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._called_at = self._renewed_at = -math.inf
        self._wake = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Look for runs now. Call from the worker's own loop."""
        self._wake.set()

    @property
    def commits(self) -> int:
        """How often the journal was written so far."""
        return self._writer.commits

    @property
    def carrying(self) -> int:
        """How many runs are carried now."""
        return len(self._held)

    @property
    def unsettled(self) -> int:
        """How many runs have ended here and are still to be settled."""
        return self._settler.unsettled

    async def run(self) -> None:
        """Work until told to stop; whatever fails underneath is tried again."""
        helpers = [
            asyncio.create_task(keep_going(step))
            for step in (
                self._writer.run,
                self._publisher.run,
                self._renew,
                self._listen,
                self._inherit,
                self._settler.run,
                self._settle_leftovers,
            )
        ]
        try:
            while not self._is_stopping:
                await self._look_safely()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_SECONDS)
                self._wake.clear()
                await self._gather()
        finally:
            await self._let_go()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._writer.close()
            await self._publisher.close()
            await asyncio.gather(self._in_thread.close(), self._in_vault.close())

    def stop(self) -> None:
        """Stop claiming; runs are let go between steps. Call from the worker's own loop."""
        self._is_stopping = True
        self._wake.set()

    async def _gather(self) -> None:
        """Let looks that come thick and fast be one."""
        while self._held and not self._is_stopping and (rest := self._pace.rest()):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), rest)
            self._wake.clear()

    async def _look_safely(self) -> None:
        try:
            await self._look()
        except (psycopg.Error, OSError) as error:
            logger.warning("flow worker cannot look for runs (%s); it tries again", error)

    async def _look(self) -> None:
        self._pace.note_look()
        await self._call_next()
        is_more = True
        while is_more:
            held = Counter(claim.organization_id for claim, _ in self._held.values())
            full = [organization_id for organization_id, runs in held.items() if runs >= self._most_of_one]
            # As many as may all be of one organization without giving it more than its places.
            fullest = max((runs for runs in held.values() if runs < self._most_of_one), default=0)
            limit = min(self._most_runs - len(self._held), self._most_of_one - fullest)
            claims = await self._writer.claim(limit, but_of=full, besides=self._lapsed()) if limit > 0 else []
            if claims:
                self._hold_all(claims)
            is_more = len(claims) == limit > 0
        self._settler.note_idle(not self._held)

    async def _call_next(self) -> None:
        """Call whoever stood behind runs that ended here; now and then, whoever nobody has called."""
        now, ended = asyncio.get_running_loop().time(), self._ended_lines
        self._ended_lines = set()
        try:
            if now - self._called_at >= LOOK_EVERY_SECONDS:
                await self._writer.call_next()
                self._called_at = now
            elif ended:
                await self._writer.call_next(sorted(ended))
        except psycopg.Error:
            self._ended_lines |= ended
            raise

    def _lapsed(self) -> list[UUID]:
        """Return the runs carried here whose leases may have lapsed: all of them, or none."""
        is_fresh = asyncio.get_running_loop().time() - self._renewed_at < LEASE_SECONDS / 2
        return [] if is_fresh else list(self._held)

    def _hold_all(self, claims: Sequence[Claim]) -> None:
        run_ids: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for claim in claims:
            run_ids[claim.organization_id].append(claim.run_id)
        loading = asyncio.ensure_future(self._in_thread(load_runs, run_ids))
        for claim in claims:
            task = asyncio.create_task(self._carry(claim, loading))
            self._held[claim.run_id] = (claim, task)
            task.add_done_callback(partial(self._carried, claim))

    def _carried(self, claim: Claim, _task: "asyncio.Task[None]") -> None:
        held = self._held.get(claim.run_id)
        if held is not None and held[0] == claim:
            del self._held[claim.run_id]
            self._pace.note_freed()
            if claim.line:
                self._ended_lines.add(claim.line)
            self._wake.set()

    def _drop(self, run_id: UUID) -> None:
        held = self._held.pop(run_id, None)
        if held is not None:
            held[1].cancel()

    async def _carry(self, claim: Claim, loading: Loading) -> None:
        try:
            if claim.bad_takes > MOST_BAD_TAKES:
                raise TakenTooOften(times=MOST_BAD_TAKES)
            await self._advance(claim, loading)
        except LeaseLost:
            logger.info("run %s went to another worker", claim.run_id)
        except CodexosError as error:
            if error.retryable:
                logger.warning("run %s is let go and tried again when its lease lapses: %s", claim.run_id, error)
                with suppress(*_DATABASE_AWAY):
                    await self._writer.excuse(claim)
            else:
                await self._fail(claim, error)
        except _DATABASE_AWAY as error:
            # Let go, not failed: the next holder goes on from the journal.
            logger.warning("run %s is let go: the database does not answer (%s)", claim.run_id, error)
        except Exception:
            logger.exception("run %s broke its worker", claim.run_id)
            await self._fail(claim, None)

    async def _advance(self, claim: Claim, loading: Loading) -> None:
        # Shielded: others wait for it too, when this run is dropped.
        loaded = (await asyncio.shield(loading))[claim.run_id]
        if isinstance(loaded, Exception):
            raise loaded
        if loaded.shelved_names:
            loaded = await self._in_thread(with_shelved, loaded)
        async with self._room.taken(loaded.text_bytes):
            documents = await self._in_thread(read_documents, loaded) if loaded.context else ()
            await self._execute(claim, loaded, documents=documents)

    async def _execute(self, claim: Claim, loaded: LoadedRun, *, documents: Sequence[ContextDocument]) -> None:
        kept = await self._in_thread(read_kept, loaded, claim) if loaded.origin else ()
        run = RunContext(
            run_id=claim.run_id,
            input=loaded.input,
            epoch=claim.epoch,
            documents=documents,
            kept=kept,
            labels=loaded.labels,
        )
        executor = Executor(loaded.graph, run, self._ports(claim, loaded, documents=documents))
        self._executors[claim.run_id] = executor
        if self._is_stopping:
            executor.request_release()
        try:
            standing = await executor.advance()
        finally:
            self._executors.pop(claim.run_id, None)
            files = self._outfitter.take_back(claim)
        if standing.status == "released":
            await self._writer.release(claim, wake=self._wake_channel)
        elif standing.status == "waiting":
            await call_people(claim, standing.data)
        else:
            self._settler.tell(claim.run_id, organization_id=claim.organization_id)
            if files is not None:
                # Behind its end, which is durable; whoever holds the run lets go of it meanwhile.
                task = asyncio.create_task(files.leave())
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def _fail(self, claim: Claim, error: CodexosError | None) -> None:
        """End a run that no executor can carry, so that it never stays "running" for ever."""
        reason = {"code": "broken", "message": "The run broke. This is our mistake; it is in the log."}
        if error:
            reason = {"code": error.code, "message": error.message}
        try:
            entries = await self._outfitter.read(claim, 0)
            last, usage = entries[-1].seq if entries else 0, usage_data(usage_of(entries))
            data: JsonObject = {"status": "failed", "output": None, "citations": [], "usage": usage, "error": reason}
            finished = Entry(last + 1, "run.finished", clock.now(), None, 0, claim.epoch, data)
            await self._outfitter.journal(claim).append([finished])
            self._settler.tell(claim.run_id, organization_id=claim.organization_id)
        except (CodexosError, *_DATABASE_AWAY):
            logger.exception("run %s could not be ended; its lease lapses and it is tried again", claim.run_id)

    def _ports(self, claim: Claim, loaded: LoadedRun, *, documents: Sequence[ContextDocument]) -> Ports:
        return self._outfitter.ports(claim, loaded, documents=documents)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_SECONDS)
            claims = [claim for claim, _ in self._held.values()]
            if not claims:
                continue
            began = asyncio.get_running_loop().time()
            held = await self._writer.renew(claims)
            self._renewed_at = began
            for claim in claims:
                current = self._held.get(claim.run_id)
                if claim.run_id not in held and current is not None and current[0] == claim:
                    logger.info("run %s is no longer ours", claim.run_id)
                    self._drop(claim.run_id)
                elif held.get(claim.run_id):
                    self._announce_post(claim.run_id)

    def _announce_post(self, run_id: UUID) -> None:
        if run_id in self._executors:
            self._executors[run_id].announce_post()

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._journal_url, autocommit=True, **PATIENCE)
        async with connection:
            await connection.execute(f"listen {self._wake_channel}")
            async for notice in connection.notifies():
                if run_id := parse_id(notice.payload):
                    self._announce_post(run_id)
                # A run that waits is held by nobody: its post makes it one to be claimed.
                self._wake.set()

    async def _inherit(self) -> None:
        """Free at once what workers of this machine held that were killed, rather than wait for their leases."""
        while True:
            gone = [holder for holder in await self._writer.list_holders() if is_gone(holder)]
            if gone and await self._writer.free(gone):
                logger.warning("the runs of %s are taken up: it is gone", ", ".join(gone))
                self._wake.set()
            await asyncio.sleep(INHERIT_EVERY_SECONDS)

    async def _settle_leftovers(self) -> None:
        while True:
            await asyncio.sleep(10)
            for run_id, organization_id in await self._writer.list_unsettled():
                self._settler.tell(run_id, organization_id=organization_id)

    async def _settle(self, run_ids: Mapping[UUID, Collection[UUID]]) -> None:
        await self._in_thread(settle_runs, run_ids)

    async def _let_go(self) -> None:
        """Hand over every run: what is short may end, what may be made again is left, what may not gets its time."""
        for seconds, is_hurried in ((PATIENT_SECONDS, False), (LAST_SECONDS, True)):
            for executor in self._executors.values():
                executor.request_release(is_hurried=is_hurried)
            tasks = [task for _, task in self._held.values()]
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        left = list(self._held.values())
        for _, task in left:
            task.cancel()
        await asyncio.gather(*(task for _, task in left), return_exceptions=True)
        leaving = (self._writer.release(claim, wake=self._wake_channel) for claim, _ in left)
        await asyncio.gather(*leaving, return_exceptions=True)
        if self._leaving:
            # What is not let go of by then is swept.
            await asyncio.wait(self._leaving, timeout=PATIENT_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENT_SECONDS):
                await close_sessions()
        await self._settler.settle_all()
