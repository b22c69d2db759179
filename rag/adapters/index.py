# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Finding chunks in PostgreSQL: by words, and by how near their vectors are.

To be called inside of the organization's transaction.

Of a small index every chunk is looked at, once for both: that is exact, whatever the filters, and counts by the way how
many chunks hold each term. A large one has a graph of vectors and a list of words of its own (see upkeep), and its
terms were counted before. Every statement says whose rows it wants, beside the wall that sees to it anyway.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from codexos.kernel.embeddings import Vector
from rag.engine.fusion import FEEDBACK, Candidate, Statistics
from rag.queries.conditions import Condition

POOL = 200
"""So many chunks come from words, and as many from meaning, to be looked at closer."""
EXACT_WITHIN = 20_000
"""Filters that leave no more chunks than this are answered exactly in a large index too."""
_WIDEST = 1000
_MATCHES = 10_000
"""Chunks of a large index whose words are looked at: terms are taken from the rarest on until there are so many."""
_START_OF_TEXT = 400


@dataclass(frozen=True, slots=True)
class Scope:
    """Where is looked: which indexes of one embedder, and which of their documents."""

    organization_id: UUID
    index_ids: Sequence[UUID]
    condition: Condition = field(default_factory=Condition)


@dataclass(frozen=True, slots=True)
class Pool:
    """The chunks that are worth a closer look, and what is known of all that were asked."""

    ids: frozenset[UUID] = frozenset()
    statistics: Statistics = field(default_factory=Statistics)


def vector_text(vector: Vector) -> str:
    """Return a vector as PostgreSQL reads it."""
    return "[" + ",".join(f"{number:.6g}" for number in vector) + "]"


def tsquery(terms: Sequence[str]) -> str:
    """Return terms of which one is enough, as PostgreSQL reads a tsquery. Terms hold neither quotes nor backslashes."""
    return " | ".join(f"'{term}'" for term in terms)


def find_in_small(scope: Scope, *, terms: Sequence[str], vector: str | None) -> Pool:
    """Look at every chunk once, by words and by meaning."""
    holds = [f"h{number}" for number in range(len(terms))]
    nearness = "c.embedding <=> %s::halfvec" if vector else "null::float8"
    flags = "".join(f", coalesce(c.tsv @@ %s::tsquery, false) as {name}" for name in holds)
    counts = "".join(f", count(*) filter (where {name}) as n_{name}" for name in holds)
    weights = (f"case when {n} then ln(1 + (chunks - n_{n} + 0.5) / (n_{n} + 0.5)) else 0 end" for n in holds)
    # The constants are ours, and everything that is asked goes in as a value.
    statement = f"""
        with asked as materialized (
            select c.id, {nearness} as distance, c.terms{flags} from {_table(scope)} where {_where(scope)}),
        counted as (select count(*) as chunks, avg(terms) as average, avg(distance) as distance{counts} from asked),
        scored as (select a.id, a.distance, {" + ".join(weights) or "0"} as words from asked a, counted)
        select null::uuid, row_to_json(counted)::text from counted
        union all (select id, null from scored where distance is not null order by distance, id limit {POOL})
        union all (select id, null from scored where words > 0 order by words desc, distance, id limit {POOL})
    """  # noqa: S608
    rows = _ask(statement, [*([vector] if vector else []), *(f"'{term}'" for term in terms), *_values(scope)])
    counted = json.loads(rows[0][1])
    holding = {term: counted[f"n_{name}"] for term, name in zip(terms, holds, strict=True)}
    background = 1 - counted["distance"] if counted["distance"] is not None else 0.0
    statistics = Statistics(counted["chunks"], float(counted["average"] or 1.0), holding, background)
    return Pool(frozenset(row[0] for row in rows[1:]), statistics)


def count_chunks(scope: Scope) -> int:
    """Count the chunks of documents that a condition leaves, by what their documents say."""
    statement = f"""
        select coalesce(sum(d.chunk_count), 0) from rag_document d where d.organization_id = %s
            and d.base_id in (
                select i.base_id from rag_knowledgeindex i where i.organization_id = %s and i.id = any(%s))
            {scope.condition.documents}
    """  # noqa: S608
    organization = scope.organization_id
    values = [organization, organization, list(scope.index_ids), *scope.condition.document_values]
    return int(_ask(statement, values)[0][0])


def find_in_large(scope: Scope, *, terms: Sequence[str], vector: str | None, dimensions: int) -> Pool:
    """Look for chunks of one large index by its graph and its list."""
    statistics = _counted(scope, terms=terms, vector=vector)
    found: set[UUID] = set()
    if vector:
        found.update(_near(scope, vector=vector, dimensions=dimensions))
    if chosen := _telling(terms, statistics):
        weights = [statistics.rarity(term) for term in terms]
        statement = "select id from app.chunks_with(%s, %s, %s::text[], %s::real[], %s::uuid[], %s)"
        values = [scope.index_ids[0], tsquery(chosen), list(terms), weights, _documents(scope), POOL]
        found.update(row[0] for row in _ask(statement, values))
    return Pool(frozenset(found), statistics)


def _counted(scope: Scope, *, terms: Sequence[str], vector: str | None) -> Statistics:
    index, organization = scope.index_ids[0], scope.organization_id
    # How near the question is to all of them on average is how near it is to their middle, which is shorter than 1.
    near = "coalesce(1 - (f.center <=> %s::halfvec), 0)" if vector else "0"
    statement = f"""
        select f.chunks, f.terms::float8 / greatest(f.chunks, 1), {near} * coalesce(l2_norm(f.center), 0),
            (select json_object_agg(t.term, t.chunks) from rag_termcount t
             where t.organization_id = %s and t.index_id = f.index_id and t.term = any(%s))
        from rag_indexfigures f where f.organization_id = %s and f.index_id = %s
    """  # noqa: S608
    rows = _ask(statement, [*([vector] if vector else []), organization, list(terms), organization, index])
    if not rows:
        return Statistics(holding={})
    chunks, average, background, holding = rows[0]
    # A term that one chunk holds has no row; one that none holds is as telling.
    return Statistics(chunks, average or 1.0, {term: (holding or {}).get(term, 1) for term in terms}, background or 0.0)


def _telling(terms: Sequence[str], statistics: Statistics) -> list[str]:
    """Return the rarest terms, as many as lead to no more chunks than can be looked at."""
    holding = statistics.holding or {}
    chosen: list[str] = []
    left = _MATCHES
    for term in sorted(terms, key=lambda term: holding.get(term, 0)):
        left -= holding.get(term, 0)
        if chosen and left < 0:
            break
        chosen.append(term)
    return chosen


def _near(scope: Scope, *, vector: str, dimensions: int) -> Iterator[UUID]:
    kind = f"halfvec({int(dimensions)})"
    wide = min(_WIDEST, POOL * 2)
    _run(f"set local hnsw.ef_search = {wide}")
    _run(f"set local hnsw.iterative_scan = {'strict_order' if scope.condition.documents else 'off'}")
    # The index is written out: only then does the planner know the partial index to be the right one.
    statement = f"""
        select c.id from {_table(scope)}
        where c.organization_id = %s and c.index_id = '{scope.index_ids[0]}' and c.since is not null and c.until is null
            {scope.condition.documents}
        order by c.embedding::{kind} <=> %s::{kind} limit {POOL}
    """  # noqa: S608
    yield from (row[0] for row in _ask(statement, [scope.organization_id, *scope.condition.document_values, vector]))


def _documents(scope: Scope) -> list[UUID] | None:
    if not scope.condition.documents:
        return None
    statement = f"select d.id from rag_document d where d.organization_id = %s {scope.condition.documents}"  # noqa: S608
    return [row[0] for row in _ask(statement, [scope.organization_id, *scope.condition.document_values])]


def read_candidates(
    scope: Scope, ids: Collection[UUID], *, terms: Sequence[str], vector: str | None
) -> list[Candidate]:
    """Read what fusion needs of chunks."""
    nearness = "1 - (c.embedding <=> %s::halfvec)" if vector else "null"
    statement = f"""
        select c.id, c.document_id, c.sha256, {nearness}, c.tsv::text, c.terms from rag_chunk c
        where c.organization_id = %s and c.index_id = any(%s) and c.id = any(%s)
    """  # noqa: S608
    values = [*([vector] if vector else []), scope.organization_id, list(scope.index_ids), list(ids)]
    return [
        Candidate(chunk, document, digest, nearness, dict(_stood(tsv or "", terms)), count)
        for chunk, document, digest, nearness, tsv, count in _ask(statement, values)
    ]


def _stood(tsv: str, terms: Sequence[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Count where terms stand by a tsvector's text, such as ``'getus':3A,9 'user':4``."""
    tsv = f" {tsv} "
    for term in terms:
        at = tsv.find(f" '{term}':")
        if at >= 0:
            start = at + len(term) + 4
            places = tsv[start : tsv.index(" ", start)]
            labels = places.count("A")
            yield term, (labels, places.count(",") + 1 - labels)


def starts_of_texts(scope: Scope, ids: Collection[UUID]) -> list[str]:
    """Return how chunks begin, for whoever wants to know what they are."""
    statement = f"""
        select left(c.text, {_START_OF_TEXT}) from rag_chunk c
        where c.organization_id = %s and c.index_id = any(%s) and c.id = any(%s)
    """  # noqa: S608
    return [row[0] for row in _ask(statement, [scope.organization_id, list(scope.index_ids), list(ids)])]


def nearness_after_feedback(
    scope: Scope, ids: Collection[UUID], *, vector: Vector, best: Collection[UUID]
) -> dict[UUID, float]:
    """Return how near chunks are to the question once it is moved towards the best that was found for it."""
    organization, indexes = scope.organization_id, list(scope.index_ids)
    statement = """
        with moved as materialized (
            select (%s::vector + l2_normalize(avg(c.embedding::vector)) * array_fill(%s::real, array[%s])::vector)
                ::halfvec as question from rag_chunk c
            where c.organization_id = %s and c.index_id = any(%s) and c.id = any(%s))
        select c.id, 1 - (c.embedding <=> moved.question) from rag_chunk c, moved
        where c.organization_id = %s and c.index_id = any(%s) and c.id = any(%s)
    """
    moved = [vector_text(vector), FEEDBACK, len(vector), organization, indexes, list(best)]
    return dict(_ask(statement, [*moved, organization, indexes, list(ids)]))


def _table(scope: Scope) -> str:
    if scope.condition.documents or scope.condition.chunk_values:
        return "rag_chunk c join rag_document d on d.id = c.document_id and d.organization_id = c.organization_id"
    return "rag_chunk c"


def _where(scope: Scope) -> str:
    condition = scope.condition
    return f"c.organization_id = %s and c.index_id = any(%s) and {condition.chunks} {condition.documents}"


def _values(scope: Scope) -> list[Any]:
    condition = scope.condition
    return [scope.organization_id, list(scope.index_ids), *condition.chunk_values, *condition.document_values]


def _ask(statement: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
