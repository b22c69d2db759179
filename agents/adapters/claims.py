# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which runs a flow worker takes up: organizations take turns, and none has more under way than its places.

Claims of all workers are made one behind another, under one lock of the database: so what one counts, no other changes
meanwhile. A claim is one message to the database, which sees it through whatever becomes of the worker; a worker that
is stopped in the middle of a claim holds up nobody. It signs in as codexos_journal over a connection of its own, since
commits of the journal shall not wait for a turn to claim.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from agents.adapters.leases import LEASE_SECONDS, PATIENCE

PLANNED_WITHOUT = ("jit", "enable_sort", "enable_incremental_sort")
"""Compiling a claim takes longer than making it; whoever may sort reads all that wait, where an index has an order."""

# Any number that nobody else locks.
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(4207001);"

# Organizations are found by leaps through the index, each once, and of each no more runs are read than could be taken:
# ten thousand that wait cost no more than one. The rank of a run says how many of its organization would be carried
# with it, so whoever has the fewest is first; where that is equal, turns go round in the order of ids.
# What is picked is looked at once more as it is locked: a holder thought dead may have written, or ended it, just now.
# Who held a run before may have cleared the mark of its post and died before anything of it was written down.
# Where the order names more than it needs to, or "between" stands for an equals sign, the planner is kept from walking
# along another index, past everything that does not wait.
_CLAIM = """
with recursive waiting(id) as (
    (select organization_id from agents_run
        where not is_cancelling and (status = 'queued' and not is_held_back or has_post and status = 'waiting')
        order by organization_id, id limit 1)
    union all
    select (select r.organization_id from agents_run r
        where not is_cancelling and (status = 'queued' and not is_held_back or has_post and status = 'waiting')
            and r.organization_id > w.id
        order by r.organization_id, r.id limit 1)
    from waiting w where w.id is not null
), under_way as materialized (
    select id, organization_id, claimed_until from agents_run where status = 'running'
), load as (
    select organization_id, count(*) as runs, count(*) filter (where claimed_until >= now()) as carried
    from under_way group by organization_id
), candidates as (
    select id, organization_id, false as is_new from under_way where claimed_until is null or claimed_until < now()
    union all
    (select id, organization_id, false from agents_run
        where is_cancelling and (status = 'queued' or has_post and status = 'waiting') order by id limit %(limit)s)
    union all
    select id, organization_id, true from agents_run
    where status = 'waiting' and wake_at <= now() and not has_post and not is_cancelling
    union all
    select c.id, c.organization_id, true
    from waiting w cross join lateral (
        select r.id, r.organization_id from agents_run r
        where not is_cancelling and (status = 'queued' and not is_held_back or has_post and status = 'waiting')
            and r.organization_id between w.id and w.id
        order by r.organization_id, r.id limit %(limit)s
    ) c
), placed as (
    select c.id, c.organization_id, coalesce(l.carried, 0) as carried, c.is_new,
        least(o.most_runs, %(most)s) - coalesce(l.runs, 0) as room,
        row_number() over (partition by c.organization_id, c.is_new order by c.id) as nth
    from candidates c join accounts_organization o on o.id = c.organization_id
        left join load l on l.organization_id = c.organization_id
    where c.organization_id <> all(%(full)s::uuid[]) and c.id <> all(%(held)s::uuid[])
), ranked as (
    select id, organization_id, carried + row_number() over (partition by organization_id order by id) as rank
    from placed where not is_new or nth <= room
), turns as materialized (
    select r.id, r.organization_id,
        row_number() over (order by r.rank, r.organization_id <= t.organization_id, r.organization_id) as turn
    from ranked r cross join app.claim_turn t order by turn limit %(limit)s
), picked as materialized (
    select r.id, r.organization_id, t.turn from turns t join agents_run r on r.id = t.id
    where r.status in ('queued', 'running', 'waiting') and (r.claimed_until is null or r.claimed_until < now())
    for update of r skip locked
), moved as (
    update app.claim_turn set organization_id = (select organization_id from picked order by turn desc limit 1)
    where (select count(distinct organization_id) from candidates) > 1 and exists (select from picked)
)
update agents_run r set epoch = r.epoch + 1, status = 'running', claimed_by = %(holder)s, is_held_back = false,
    claimed_until = now() + make_interval(secs => %(lease)s), started_at = coalesce(r.started_at, now()),
    bad_takes = least(r.bad_takes + 1, 30000)
from picked where r.id = picked.id
returning r.id, r.organization_id, r.epoch, r.last_seq = 0, r.has_post or r.epoch > 1, r.line, r.bad_takes
"""

_LINES_OF_ALL = """
with recursive lines(line) as (
    (select line from agents_run where is_held_back and status = 'queued' order by line limit 1)
    union all
    select (select r.line from agents_run r where is_held_back and status = 'queued' and r.line > l.line
        order by r.line limit 1)
    from lines l where l.line is not null
)
"""

_LINES_GIVEN = "with lines(line) as (select unnest(%(lines)s::text[]))"

# The first of each line that stands behind nobody any more.
_CALL = """
update agents_run r set is_held_back = false
from lines l cross join lateral (
    select h.id from agents_run h where h.line = l.line and h.is_held_back and h.status = 'queued'
    order by h.place limit 1
) next
where r.id = next.id and r.is_held_back and r.status = 'queued' and not exists (
    select from agents_run o
    where o.line = l.line and o.line <> '' and o.status in ('queued', 'running', 'waiting') and not o.is_held_back
)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this worker holds now. ``is_fresh``: its journal is empty. ``has_post``: there may be some.

    ``bad_takes`` counts how often it was taken up, this time included, since it last came on.
    """

    run_id: UUID
    organization_id: UUID
    epoch: int
    is_fresh: bool = False
    has_post: bool = True
    line: str = ""
    bad_takes: int = 1


class Claims:
    """Takes up runs for one worker."""

    def __init__(self, url: str, *, holder: str, most_runs_of_one: int) -> None:
        self._url = url
        self._holder = holder
        self._most = most_runs_of_one
        self._lock = asyncio.Lock()
        self._connection: psycopg.AsyncConnection | None = None

    async def claim(self, limit: int, *, but_of: Collection[UUID] = (), besides: Collection[UUID] = ()) -> list[Claim]:
        """Take up to ``limit`` runs that nobody holds, leaving out the organizations ``but_of``.

        ``besides`` are runs that are carried here: where their leases lapsed while the database was away, they are
        renewed and not taken anew.
        """
        asked = {"holder": self._holder, "lease": LEASE_SECONDS, "limit": limit, "most": self._most}
        rows = await self._execute(_CLAIM, {**asked, "full": list(but_of), "held": list(besides)})
        return [Claim(*row) for row in rows]

    async def call_next(self, lines: Sequence[str] | None = None) -> None:
        """Let the next run of each of these lines be claimed, where the one before it is over; None means all lines."""
        if lines is None:
            await self._execute(_LINES_OF_ALL + _CALL, {})
        else:
            await self._execute(_LINES_GIVEN + _CALL, {"lines": list(lines)})

    async def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            await self._connection.close()

    async def _execute(self, statement: LiteralString, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        async with self._lock:
            # The client writes the parameters in, so that lock and statement go as one message, one transaction. Each
            # of the two sees the database as it is when its own time has come.
            cursor = psycopg.AsyncClientCursor(await self._connected())
            await cursor.execute(_ONE_AT_A_TIME + statement, parameters)
            cursor.nextset()
            return await cursor.fetchall() if cursor.description else []

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.broken or self._connection.closed:
            options = " ".join(f"-c {setting}=off" for setting in PLANNED_WITHOUT)
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, options=options, **PATIENCE
            )
        return self._connection
