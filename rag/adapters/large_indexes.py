# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the database keeps for large indexes: a graph of neighbors, a list of words, and counts.

It takes the owner's connection.

Each large index has its own, which hold its live chunks and nobody else's: so a tenant among many is found in its own
graph, and what one tenant brings slows no other. They are built while everybody reads and writes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from rag.engine import strategies
from rag.engine.strategies import index_names

BUILD_MEMORY = "512MB"
_LOCK = 0x6B6E6F776C  # "knowl"
_LIVE = sql.SQL("index_id = {index} and since is not null and until is null")

_STANDING = """
select i.id, i.organization_id, i.dimensions, i.strategy, i.state, coalesce(live.chunks, 0), f.chunks
from rag_knowledgeindex i left join rag_indexfigures f on f.index_id = i.id
left join (
    select c.index_id, count(*) as chunks from rag_chunk c where c.since is not null and c.until is null
    group by c.index_id having count(*) >= %s) live on live.index_id = i.id
where live.chunks is not null or i.strategy = 'hnsw' order by i.id
"""
_BUILT = """
select c.relname, x.indisvalid from pg_index x join pg_class c on c.oid = x.indexrelid
where x.indrelid = 'rag_chunk'::regclass and (c.relname like 'rag\\_near\\_%' or c.relname like 'rag\\_words\\_%')
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """An index that is large, or was: how many live chunks it has, and how many it had when it was counted."""

    index_id: UUID
    organization_id: UUID
    dimensions: int
    strategy: str
    state: str
    chunks: int
    counted: int | None

    @property
    def names(self) -> tuple[str, str]:
        """How its indexes are called in the database."""
        return index_names(str(self.index_id))


@contextmanager
def only_one(connection: psycopg.Connection[Any]) -> Iterator[bool]:
    """Tell whether nobody else is at it now, and keep others from it while the block runs."""
    row = connection.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    is_alone = bool(row and row[0])
    try:
        yield is_alone
    finally:
        if is_alone and not connection.broken:
            connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


def list_standing(connection: psycopg.Connection[Any]) -> list[Standing]:
    """Return the indexes that are large by now, or were."""
    return [Standing(*row) for row in connection.execute(_STANDING, [strategies.SMALL_BELOW]).fetchall()]


def list_built(connection: psycopg.Connection[Any]) -> dict[str, bool]:
    """Return what stands in the database by its name, and whether it was built to its end."""
    return dict(connection.execute(_BUILT).fetchall())


def build(connection: psycopg.Connection[Any], standing: Standing, name: str) -> None:
    """Build one of the two. What was begun and not finished has to be dropped before."""
    near, _ = standing.names
    kind = sql.SQL("halfvec({})").format(sql.Literal(standing.dimensions))
    how = (
        sql.SQL("using hnsw ((embedding::{}) halfvec_cosine_ops)").format(kind)
        if name == near
        else sql.SQL("using gin (tsv) with (fastupdate = off)")
    )
    live = _LIVE.format(index=sql.Literal(str(standing.index_id)))
    connection.execute(sql.SQL("set maintenance_work_mem = {}").format(sql.Literal(BUILD_MEMORY)))
    statement = sql.SQL("create index concurrently {} on rag_chunk {} where {}")
    connection.execute(statement.format(sql.Identifier(name), how, live))


def drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop one of them while everybody reads and writes."""
    connection.execute(sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(name)))


def count(connection: psycopg.Connection[Any], standing: Standing) -> None:
    """Count terms anew."""
    live = _LIVE.format(index=sql.Literal(str(standing.index_id)))
    of = {"index": standing.index_id, "organization": standing.organization_id}
    words = sql.SQL("select tsv from rag_chunk where {}").format(live).as_string(connection)
    with connection.transaction():
        forget(connection, standing.index_id)
        connection.execute(
            "insert into rag_termcount (id, created_at, organization_id, index_id, term, chunks) "
            "select gen_random_uuid(), now(), %(organization)s, %(index)s, word, ndoc from ts_stat(%(words)s) "
            "where ndoc > 1 and length(word) <= 64",
            {**of, "words": words},
        )
        figures = sql.SQL(
            "insert into rag_indexfigures (id, created_at, organization_id, index_id, chunks, terms, center) "
            "select gen_random_uuid(), now(), %(organization)s, %(index)s, count(*), coalesce(sum(terms), 0), "
            "avg(embedding) from rag_chunk where {}"
        )
        connection.execute(figures.format(live), of)


def forget(connection: psycopg.Connection[Any], index_id: UUID) -> None:
    """Let go of what was counted."""
    connection.execute("delete from rag_termcount where index_id = %s", [index_id])
    connection.execute("delete from rag_indexfigures where index_id = %s", [index_id])


def say_strategy(connection: psycopg.Connection[Any], index_id: UUID, strategy: str) -> None:
    """Note how an index is to be searched from now on."""
    connection.execute("update rag_knowledgeindex set strategy = %s where id = %s", [strategy, index_id])


def analyze(connection: psycopg.Connection[Any]) -> None:
    """Let the planner know what has come."""
    connection.execute("analyze rag_chunk")
