# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Chunks on their way into an index, some hundred to a statement. All of it runs in an organization's transaction.

They are written plainly: Django would make an object of each, and ask once more for what it could do by itself.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection

from codexos.kernel import clock
from codexos.kernel.embeddings import Vector
from codexos.kernel.ids import new_id
from rag.engine.parsed import Piece
from rag.engine.terms import search_vector

AT_ONCE = 500

# A text that was embedded before by the same maker has its vector already, wherever in the organization it stands.
_STAGE = """
insert into rag_chunk (id, organization_id, created_at, index_id, document_id, ordinal, parent, text, context, place,
    sha256, since, until, tsv, terms, embedding)
select t.id, %s, %s, %s, %s, t.ordinal, t.parent, t.text, t.context, t.place, t.sha256, null, null, t.tsv, t.terms, (
    select c.embedding from rag_chunk c
    where c.sha256 = t.sha256 and c.embedding is not null and c.index_id = any(%s::uuid[]) limit 1)
from unnest(%s::uuid[], %s::int[], %s::int[], %s::text[], %s::text[], %s::jsonb[], %s::text[],
    %s::tsvector[], %s::int[]) as t(id, ordinal, parent, text, context, place, sha256, tsv, terms)
"""
_DROP_STAGED = """
delete from rag_chunk where document_id = any(%s::uuid[]) and index_id = %s and since is null
"""
_UNEMBEDDED = """
select id, document_id, context, text from rag_chunk
where index_id = %s and document_id = any(%s::uuid[]) and since is null and embedding is null
order by document_id, ordinal limit %s
"""
_EMBED = """
update rag_chunk c set embedding = t.embedding::halfvec from unnest(%s::uuid[], %s::text[]) as t(id, embedding)
where c.id = t.id and c.since is null and c.embedding is null
"""
_UNFINISHED = """
select distinct document_id from rag_chunk
where index_id = %s and document_id = any(%s::uuid[]) and since is null and embedding is null
"""
_IS_REPLACED = """
from rag_chunk l
where l.document_id = any(%s::uuid[]) and l.index_id = %s and l.since is not null and l.until is null and not exists (
    select from rag_chunk s where s.document_id = l.document_id and s.index_id = l.index_id and s.since is null
        and s.ordinal = l.ordinal and s.sha256 = l.sha256 and s.place = l.place
        and s.parent is not distinct from l.parent)
"""
_END_REPLACED = f"""
update rag_chunk set until = %s where id in (select l.id {_IS_REPLACED})
"""  # noqa: S608 - made of constants
_DROP_REPLACED = f"""
delete from rag_chunk where id in (select l.id {_IS_REPLACED})
"""  # noqa: S608
_DROP_TWINS = """
delete from rag_chunk s using rag_chunk l
where s.document_id = any(%s::uuid[]) and s.index_id = %s and s.since is null
    and l.document_id = s.document_id and l.index_id = s.index_id and l.since is not null and l.until is null
    and l.ordinal = s.ordinal
"""
_BEGIN_STAGED = """
update rag_chunk set since = %s where document_id = any(%s::uuid[]) and index_id = %s and since is null
"""
_COUNT_LIVE = """
select document_id, count(*) from rag_chunk
where document_id = any(%s::uuid[]) and index_id = %s and since is not null and until is null group by document_id
"""
_END = """
update rag_chunk set until = greatest(%s, since)
where document_id = any(%s::uuid[]) and since is not null and until is null
"""
_DROP_SOME = """
delete from rag_chunk where id in (
    select id from rag_chunk where document_id = any(%s::uuid[]) and (%s::uuid is null or index_id = %s) limit %s)
"""


@dataclass(frozen=True, slots=True)
class Staging:
    """What chunks are staged for. ``alike`` are the indexes whose vectors are of the same maker as this one's."""

    organization_id: UUID
    index_id: UUID
    document_id: UUID
    title: str
    alike: Sequence[UUID] = ()


def stage_pieces(staging: Staging, pieces: Sequence[Piece]) -> None:
    """Write pieces as staged chunks."""
    ids = [staging.organization_id, clock.now(), staging.index_id, staging.document_id]
    for start in range(0, len(pieces), AT_ONCE):
        rows = [_row(piece, title=staging.title) for piece in pieces[start : start + AT_ONCE]]
        columns = map(list, zip(*rows, strict=True))
        _run(_STAGE, [*ids, [*staging.alike, staging.index_id], *columns])


def drop_staged(index_id: UUID, document_ids: Sequence[UUID]) -> None:
    """Forget what was staged of some documents."""
    _run(_DROP_STAGED, [list(document_ids), index_id])


def next_unembedded(index_id: UUID, document_ids: Sequence[UUID], *, limit: int) -> list[tuple[UUID, UUID, str]]:
    """Return staged chunks that have no vector: their id, their document's, and the text to embed."""
    rows = _ask(_UNEMBEDDED, [index_id, list(document_ids), limit])
    return [(id_, document, f"{context}\n\n{text}" if context else text) for id_, document, context, text in rows]


def keep_vectors(vectors: Mapping[UUID, Vector]) -> int:
    """Give staged chunks their vectors; return how many had none."""
    texts = ["[" + ",".join(map(repr, vector)) + "]" for vector in vectors.values()]
    return _run(_EMBED, [list(vectors), texts])


def find_unfinished(index_id: UUID, document_ids: Sequence[UUID]) -> set[UUID]:
    """Return which documents have staged chunks without a vector."""
    return {row[0] for row in _ask(_UNFINISHED, [index_id, list(document_ids)])}


def switch_chunks(
    index_id: UUID, document_ids: Sequence[UUID], *, revision: int, keeps_history: bool
) -> dict[UUID, int]:
    """Let what is staged take the place of what is live, where it is another; return how many each document has now.

    What is the same in its place stays the row it was.
    """
    ids = list(document_ids)
    if keeps_history:
        _run(_END_REPLACED, [revision, ids, index_id])
    else:
        _run(_DROP_REPLACED, [ids, index_id])
    _run(_DROP_TWINS, [ids, index_id])
    _run(_BEGIN_STAGED, [revision, ids, index_id])
    return dict(_ask(_COUNT_LIVE, [ids, index_id]))


def end_chunks(document_ids: Sequence[UUID], *, revision: int) -> None:
    """Let no chunk of some documents be live any more, in any index; at older revisions they are found."""
    _run(_END, [revision, list(document_ids)])


def drop_chunks(document_ids: Sequence[UUID], *, index_id: UUID | None = None, limit: int) -> int:
    """Delete at most so many chunks of some documents, of one index or of all; return how many there were."""
    return _run(_DROP_SOME, [list(document_ids), index_id, index_id, limit])


def _row(piece: Piece, *, title: str) -> tuple[Any, ...]:
    text, context = _storable(piece.text), _storable(piece.context)
    place = json.dumps(piece.place.as_json()).replace("\\u0000", "")
    embedded = f"{context}\n\n{text}" if context else text
    tsv, terms = search_vector([title, context], text)
    digest = sha256(embedded.encode()).hexdigest()
    return new_id(), piece.ordinal, piece.parent, text, context, place, digest, tsv, terms


def _storable(text: str) -> str:
    # What PostgreSQL refuses; readers leave none of it, and a document must not fail for one that does.
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _ask(statement: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[Any] = cursor.fetchall()
        return rows


def _run(statement: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
