# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The flow worker's one writer: claims runs, renews leases and commits entries of many runs together.

It signs in as codexos_journal over a direct connection. Everything that was queued while the last commit was in flight
goes into the next one. The run's row is updated in the same statement that appends its entries, so a holder whose
epoch has passed writes nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence, Set
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from agents.adapters.append import Append, asked_of, heads
from agents.adapters.claims import Claim, Claims
from agents.adapters.leases import LEASE_SECONDS, PATIENCE
from agents.adapters.wire import Wire
from agents.engine.errors import LeaseLost
from agents.engine.journal import Entry
from agents.engine.ports import Rest
from codexos.kernel.jsontypes import JsonObject

__all__ = ["LEASE_SECONDS", "PATIENCE", "Claim", "JournalWriter"]

logger = logging.getLogger(__name__)

Parameters = Sequence[Any] | Mapping[str, Any]

MOST_ENTRIES_AT_ONCE = 500
OUTLAST_SECONDS = 30.0
"""How long a commit is tried again while the database is away: what was done outside is known here alone until then."""
TRY_AGAIN_SECONDS = 0.2
MOST_RUNS_OF_ONE = 1_000_000
"""How many runs of one organization may be under way where nobody says: no bound."""

_RENEW = """
update agents_run r set claimed_until = now() + make_interval(secs => %(lease)s)
from unnest(%(ids)s::uuid[], %(epochs)s::int[]) as held(id, epoch)
where r.id = held.id and r.epoch = held.epoch and r.status = 'running'
returning r.id, r.has_post
"""

# Cleared before the post is read: what is sent after that sets it again.
_EMPTY = "update agents_run set has_post = false where id = %s and epoch = %s and status = 'running'"

# Nothing is held against a run that its holder could not carry on: whoever stops has not been ended by it.
_RELEASE = """
with released as (
    update agents_run r set claimed_until = null, bad_takes = 0
    from unnest(%(ids)s::uuid[], %(epochs)s::int[]) as held(id, epoch)
    where r.id = held.id and r.epoch = held.epoch and r.status = 'running'
    returning r.id
)
select pg_notify(%(wake)s, '') where exists (select from released)
"""

_EXCUSE = "update agents_run set bad_takes = 0 where id = %s and epoch = %s and status = 'running'"

_KEEP_BLOBS = """
with given as (
    select * from unnest(%(hashes)s::bytea[], %(contents)s::bytea[]) as g(sha256, content) order by sha256
), kept as (
    insert into agents_blob (organization_id, sha256, content, used_at)
    select %(organization)s::uuid, sha256, content, now() from given
    on conflict (organization_id, sha256) do update set used_at = now()
)
insert into agents_blobuse (organization_id, run_id, sha256)
select %(organization)s::uuid, %(run)s::uuid, sha256 from given on conflict do nothing
"""

# Fenced like the journal: who has lost the run writes nothing. "On conflict" would want the right to read what is kept.
_KEEP_SNAPSHOT = """
with held as (
    select id, organization_id from agents_run
    where id = %(run)s and epoch = %(epoch)s and status in ('running', 'waiting')
), replaced as (
    update agents_snapshot s set seq = %(seq)s, state = %(state)s from held where s.run_id = held.id returning s.run_id
)
insert into agents_snapshot (run_id, organization_id, seq, state)
select id, organization_id, %(seq)s, %(state)s from held where id not in (select run_id from replaced)
"""

# Planned once, for rows that are looked up by their ids, however few there were when the plan was made.
_PLAN = """
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
"""

# What a commit whose answer never came had kept after all.
_KEPT = """
select r.id from agents_run r
join unnest(%(run_ids)s::uuid[], %(epochs)s::int[], %(last_seqs)s::int[], %(statuses)s::text[])
    as h(run_id, epoch, last_seq, status) on r.id = h.run_id and r.epoch = h.epoch
where r.last_seq >= coalesce(h.last_seq, 0) and r.status = coalesce(h.status, r.status)
"""

_HOLDERS = "select distinct claimed_by from agents_run where status = 'running' and claimed_until > now()"

_FREE = """
update agents_run set claimed_until = null
where status = 'running' and claimed_until > now() and claimed_by = any(%s::text[])
returning id
"""

_UNSETTLED = """
select id, organization_id from agents_run
where status in ('succeeded', 'failed', 'cancelled') and settled_at is null
    and completed_at < now() - interval '5 seconds'
order by id limit 100
"""


class JournalWriter:
    """Writes for every run of one worker over one connection."""

    def __init__(self, url: str, *, holder: str, most_runs_of_one: int = MOST_RUNS_OF_ONE) -> None:
        self._url = url
        self._claims = Claims(url, holder=holder, most_runs_of_one=most_runs_of_one)
        self.claim = self._claims.claim
        self.call_next = self._claims.call_next
        self._queue: deque[Append] = deque()
        self._is_queued = asyncio.Event()
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None
        self._leaving: list[Claim] = []
        self._leaving_lock = asyncio.Lock()
        self.commits = 0

    async def run(self) -> None:
        """Commit what is queued, for ever."""
        while True:
            await self._is_queued.wait()
            batch = self._next_batch()
            if batch:
                await self._commit(batch)
            else:
                self._is_queued.clear()

    def _next_batch(self) -> list[Append]:
        batch: dict[UUID, Append] = {}
        size = 0
        # A run is updated once by one statement: what comes for it a second time waits for the next.
        while self._queue and size < MOST_ENTRIES_AT_ONCE and self._queue[0].claim.run_id not in batch:
            waiting = self._queue.popleft()
            batch[waiting.claim.run_id] = waiting
            size += len(waiting.entries)
        return list(batch.values())

    async def append(
        self, claim: Claim, entries: Sequence[Entry], *, rest: Rest | None = None, deeds: Sequence[JsonObject] = ()
    ) -> None:
        """Return when the entries are durable. Raises LeaseLost where another worker holds the run by now.

        With ``rest`` the run is let go of in the same commit: it waits for somebody, or for a moment. ``deeds`` go into
        the audit trail with it.
        """
        waiting = Append(claim, entries, rest, deeds)
        self._queue.append(waiting)
        self._is_queued.set()
        await waiting.done

    async def keep_blobs(self, claim: Claim, blobs: Mapping[str, bytes]) -> None:
        """Return when large values are durable that entries of a run will refer to, by their hashes."""
        given = {
            "organization": claim.organization_id,
            "run": claim.run_id,
            "hashes": [bytes.fromhex(sha256) for sha256 in blobs],
            "contents": list(blobs.values()),
        }
        deadline = asyncio.get_running_loop().time() + OUTLAST_SECONDS
        while True:
            try:
                await self._execute(_KEEP_BLOBS, given)
                return
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def keep_snapshot(self, claim: Claim, seq: int, state: bytes) -> None:
        """Keep what a run has come to with its first ``seq`` entries."""
        given = {"run": claim.run_id, "epoch": claim.epoch, "seq": seq, "state": state}
        await self._execute(_KEEP_SNAPSHOT, given)

    async def renew(self, claims: Sequence[Claim]) -> dict[UUID, bool]:
        """Renew leases; return the runs still held, and whether each has post."""
        parameters = {"lease": LEASE_SECONDS, "ids": [c.run_id for c in claims], "epochs": [c.epoch for c in claims]}
        return {row[0]: row[1] for row in await self._execute(_RENEW, parameters)}

    async def empty_post(self, claim: Claim) -> None:
        """Note that the run's post is about to be read."""
        await self._execute(_EMPTY, [claim.run_id, claim.epoch])

    async def release(self, claim: Claim, *, wake: str) -> None:
        """Let another worker take the run at once, woken over the channel ``wake``.

        Runs that are released at the same time go together: a worker that stops lets go of thousands.
        """
        self._leaving.append(claim)
        async with self._leaving_lock:
            if claim not in self._leaving:
                return
            leaving, self._leaving = self._leaving, []
            ids, epochs = [held.run_id for held in leaving], [held.epoch for held in leaving]
            await self._execute(_RELEASE, {"ids": ids, "epochs": epochs, "wake": wake})

    async def excuse(self, claim: Claim) -> None:
        """Hold nothing against a run that is let go because something outside was away."""
        await self._execute(_EXCUSE, [claim.run_id, claim.epoch])

    async def list_holders(self) -> list[str]:
        """Return who holds a lease now."""
        return [row[0] for row in await self._execute(_HOLDERS, {})]

    async def free(self, holders: Sequence[str]) -> int:
        """Free what holders that are gone had; return how many runs that is."""
        return len(await self._execute(_FREE, [list(holders)]))

    async def list_unsettled(self) -> list[tuple[UUID, UUID]]:
        """Return finished runs whose settling was cut off: ids of run and organization."""
        return [(row[0], row[1]) for row in await self._execute(_UNSETTLED, {})]

    async def _commit(self, batch: Sequence[Append]) -> None:
        try:
            held = await self._write(batch)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            await self._outlast(batch, error)
            return
        # Whatever it is: who waits for this commit would otherwise wait for ever, holding a lease that is renewed.
        except Exception as error:
            await self._fall_apart(batch, error)
            return
        self.commits += 1
        self._answer(batch, held)

    def _answer(self, batch: Sequence[Append], held: Set[bytes]) -> None:
        for waiting in batch:
            if waiting.done.done():
                continue
            if waiting.claim.run_id.bytes in held:
                waiting.done.set_result(None)
            else:
                run_id = str(waiting.claim.run_id)
                waiting.done.set_exception(LeaseLost("Another worker holds this run now.", run_id=run_id))

    async def _fall_apart(self, batch: Sequence[Append], error: Exception) -> None:
        """A batch that fails is retried run by run, so that one bad run does not fail its neighbors."""
        if len(batch) > 1:
            for waiting in batch:
                await self._commit([waiting])
        elif not batch[0].done.done():
            batch[0].done.set_exception(error)

    async def _outlast(self, batch: Sequence[Append], error: Exception) -> None:
        """Commit what the database was away for; it may have kept it and gone before it could say so."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + OUTLAST_SECONDS
        logger.warning("%s commits wait for the database (%s)", len(batch), error)
        while loop.time() < deadline:
            await asyncio.sleep(TRY_AGAIN_SECONDS)
            try:
                kept = {row[0].bytes for row in await self._execute(_KEPT, heads(batch))}
                self._answer([waiting for waiting in batch if waiting.claim.run_id.bytes in kept], kept)
                left = [waiting for waiting in batch if waiting.claim.run_id.bytes not in kept]
                if left:
                    self._answer(left, await self._write(left))
                return
            except (psycopg.OperationalError, psycopg.InterfaceError) as again:
                error = again
            except Exception as other:
                await self._fall_apart(batch, other)
                return
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_exception(error)

    async def _write(self, batch: Sequence[Append]) -> set[bytes]:
        """Commit a batch; return the ids of the runs that are still held."""
        statement, parameters = asked_of(batch)
        async with self._lock:
            wire = await self._connected()
            return set(await wire.ask(statement, parameters))

    async def _execute(self, statement: LiteralString, parameters: Parameters) -> list[tuple[Any, ...]]:
        async with self._lock:
            connection = (await self._connected()).connection
            cursor = await connection.execute(statement, parameters, prepare=True)
            return await cursor.fetchall() if cursor.description else []

    async def _connected(self) -> Wire:
        if self._wire is None or self._wire.connection.broken or self._wire.connection.closed:
            connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **PATIENCE)
            await connection.execute(_PLAN)
            self._wire = Wire(connection)
        return self._wire

    async def close(self) -> None:
        """Hang up."""
        await self._claims.close()
        if self._wire is not None:
            await self._wire.close()
