# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The partitions of the journal: which there are, making and dropping them. It takes the owner's connection.

Every change is one transaction that waits at most LOCK_SECONDS for its locks: whoever writes the journal queues behind
one that waits.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from agents.engine.periods import Period, first_id, time_of

SCHEMA = "journal"
LOCK_SECONDS = 2
_LOCK = 0x6A6F75726E616C  # "journal"
_BOUND = re.compile(r"FROM \((?:'(?P<begin>[0-9a-f-]{36})'|MINVALUE)\) TO \('(?P<end>[0-9a-f-]{36})'\)")

_LIST = """
select c.relname, pg_get_expr(c.relpartbound, c.oid) from pg_class c
join pg_inherits i on i.inhrelid = c.oid join pg_class parent on parent.oid = i.inhparent
where c.relnamespace = %s::regnamespace and parent.relname = %s order by c.relname
"""
_IN_REST = """
select distinct ('x' || left(replace(run_id::text, '-', ''), 12))::bit(48)::bigint / 86400000 * 86400000
from agents_journalentry where content_days = %s and tableoid = %s::regclass
"""
_RANGE = "content_days = %(days)s and run_id >= %(begin)s and run_id < %(end)s"


@dataclass(frozen=True, slots=True)
class Partition:
    """One that stands. ``begin`` is None where it takes everything before its end."""

    days: int
    name: str
    begin: datetime | None
    end: datetime

    def overlaps(self, period: Period) -> bool:
        """Whether a period's runs would stand in it, all or some."""
        return period.begin < self.end and (self.begin is None or self.begin < period.end)

    def holds(self, run_id: UUID) -> bool:
        """Whether a run's entries stand in it."""
        return (self.begin is None or first_id(self.begin) <= run_id) and run_id < first_id(self.end)


@contextmanager
def only_one(connection: psycopg.Connection[Any]) -> Iterator[bool]:
    """Tell whether nobody else maintains the journal now, and keep others from it while the block runs."""
    row = connection.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    is_alone = bool(row and row[0])
    try:
        yield is_alone
    finally:
        # A connection that broke has let go of it by itself.
        if is_alone and not connection.broken:
            connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


def list_partitions(connection: psycopg.Connection[Any], *, days: int) -> list[Partition]:
    """Return the partitions of one retention class, but for the one that takes the rest."""
    rows = connection.execute(_LIST, [SCHEMA, f"entries_{days}"]).fetchall()
    return [_partition(days, name, found) for name, bound in rows if (found := _BOUND.search(bound))]


def list_days_in_rest(connection: psycopg.Connection[Any], *, days: int) -> list[datetime]:
    """Return the beginnings of the days whose runs found no partition of their own."""
    rows = connection.execute(_IN_REST, [days, f"{SCHEMA}.entries_{days}_rest"]).fetchall()
    return sorted(time_of(UUID(int=row[0] << 80)) for row in rows)


def make_partition(connection: psycopg.Connection[Any], period: Period) -> int:
    """Make a period's partition and move into it what found none before; return how many entries that were."""
    table, parent = _named(period.name), _named(f"entries_{period.days}")
    where = {"days": period.days, "begin": first_id(period.begin), "end": first_id(period.end)}
    with _changing(connection):
        _do(connection, "create table {} (like {} including defaults including constraints)", table, parent)
        if connection.execute(f"select 1 from agents_journalentry where {_RANGE} limit 1", where).fetchone():  # noqa: S608
            _do(connection, "lock table {} in access exclusive mode", _named(f"entries_{period.days}_rest"))
        moving = sql.SQL(
            "with moved as (delete from agents_journalentry where {} returning *) insert into {} select * from moved"
        )
        moved = connection.execute(moving.format(sql.SQL(_RANGE), table), where).rowcount
        _do(connection, "revoke all on {} from public, codexos_app, codexos_journal", table)
        _do(connection, "alter table {} enable row level security, force row level security", table)
        attaching = sql.SQL("alter table {} attach partition {} for values from ({}) to ({})")
        connection.execute(
            attaching.format(parent, table, sql.Literal(str(where["begin"])), sql.Literal(str(where["end"])))
        )
    return moved


def drop_partition(connection: psycopg.Connection[Any], partition: Partition) -> int:
    """Drop a partition with the content of runs that expired; return how many entries of others were kept.

    Those of runs whose content has not expired, because they have not ended or did so late, go among the rest.
    """
    begin = first_id(partition.begin) if partition.begin else UUID(int=0)
    where = {"days": partition.days, "begin": begin, "end": first_id(partition.end)}
    kept = f"""
        create temp table kept on commit drop as select * from agents_journalentry where {_RANGE} and run_id in
        (select id from agents_run where content_days = %(days)s and id >= %(begin)s and id < %(end)s
            and content_expired_at is null)
    """  # noqa: S608 - our own words
    with _changing(connection):
        _do(connection, "lock table only {} in access exclusive mode", _named(f"entries_{partition.days}"))
        _do(connection, "lock table {} in access exclusive mode", _named(partition.name))
        psycopg.ClientCursor(connection).execute(kept, where)
        _do(connection, "drop table {}", _named(partition.name))
        return connection.execute("insert into agents_journalentry select * from kept").rowcount


def delete_entries(connection: psycopg.Connection[Any], run_ids: Sequence[UUID], *, days: int) -> int:
    """Delete the entries of runs one by one, where no partition takes them along."""
    statement = "delete from agents_journalentry where content_days = %s and run_id = any(%s)"
    return connection.execute(statement, [days, list(run_ids)]).rowcount if run_ids else 0


@contextmanager
def _changing(connection: psycopg.Connection[Any]) -> Iterator[None]:
    with connection.transaction():
        connection.execute(f"set local lock_timeout = '{LOCK_SECONDS * 1000:.0f}ms'")
        yield


def _do(connection: psycopg.Connection[Any], statement: str, *names: sql.Identifier) -> None:
    connection.execute(sql.SQL(statement).format(*names))


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, table)


def _partition(days: int, name: str, found: re.Match[str]) -> Partition:
    begin = found["begin"]
    return Partition(days, name, time_of(UUID(begin)) if begin else None, time_of(UUID(found["end"])))
