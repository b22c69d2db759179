# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Chunks that were found, read as passages: with what stands around them, and where that is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from rag.engine.fusion import Scored
from rag.engine.joining import joined
from rag.engine.passages import Citation, Leg, Passage, Place, Question
from rag.models import Chunk, Revision


@dataclass(frozen=True, slots=True)
class _Around:
    """The chunks of one passage in their order, and what they come to."""

    rows: Sequence[Chunk]

    @property
    def text(self) -> str:
        return joined([row.text for row in self.rows])

    @property
    def place(self) -> Place:
        places = [Place.from_json(row.place) for row in self.rows]
        lines = [each.lines for each in places if each.lines]
        first = places[0]
        if not lines or len({each.page for each in places}) > 1:
            return first
        whole = (min(line[0] for line in lines), max(line[1] for line in lines))
        return Place(page=first.page, lines=whole, path=first.path, section=first.section)


def texts_of(organization_id: UUID, chunk_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the texts of chunks as they were embedded."""
    if not chunk_ids:
        return {}
    rows = Chunk.objects.for_organization(organization_id).filter(pk__in=chunk_ids)
    return {
        pk: f"{context}\n\n{text}" if context else text
        for pk, context, text in rows.values_list("pk", "context", "text")
    }


def read_passages(
    organization_id: UUID, chosen: Sequence[Scored], legs: Mapping[UUID, Mapping[str, Leg]], *, question: Question
) -> list[Passage]:
    """Return what was chosen as passages, at most ``top_k``, in order.

    One that stands in what is shown around a better one is not shown again.
    """
    ids = [each.candidate.chunk_id for each in chosen]
    rows = Chunk.objects.for_organization(organization_id).filter(pk__in=ids)
    # A vector and its terms are the largest part of a row, and nothing to show.
    read = {row.pk: row for row in rows.select_related("document", "index").defer("embedding", "tsv")}
    around = _around(organization_id, list(read.values()), question)
    commits = _commits(organization_id, list(read.values()))
    passages: list[Passage] = []
    shown: set[UUID] = set()
    for each in chosen:
        if len(passages) == question.top_k:
            break
        row = read.get(each.candidate.chunk_id)
        if row is None or row.pk in shown:
            continue
        beside = around.get(row.pk) or _Around([row])
        shown.update(other.pk for other in beside.rows)
        commit = commits.get((row.document.source_id, row.since or 0), "")
        passages.append(_passage(row, beside, score=each.score, legs=legs.get(row.pk, {}), commit=commit))
    return passages


def _passage(row: Chunk, around: _Around, *, score: float, legs: Mapping[str, Leg], commit: str) -> Passage:
    document, place = row.document, around.place
    return Passage(
        chunk_id=row.pk,
        document_id=document.pk,
        title=document.title or document.path,
        text=around.text,
        context=row.context,
        score=round(score, 6),
        source_type=document.source_type,
        citation=Citation(
            document.path,
            page=place.page,
            lines=place.lines,
            commit=document.commit if row.is_live else commit,
            sha256=row.sha256,
        ),
        legs=dict(legs),
        base_id=row.index.base_id,
        ordinal=row.ordinal,
    )


def _around(organization_id: UUID, rows: Sequence[Chunk], question: Question) -> dict[UUID, _Around]:
    """Return the neighbors of chunks, and the passages that they are parts of."""
    wanted = Q()
    for row in rows:
        if row.parent is not None:
            wanted |= _beside(row, Q(parent=row.parent), question)
        if question.neighbors:
            near = Q(ordinal__range=(row.ordinal - question.neighbors, row.ordinal + question.neighbors))
            wanted |= _beside(row, near, question)
    if not wanted:
        return {}
    others = Chunk.objects.for_organization(organization_id).filter(wanted).order_by("ordinal")
    beside: dict[tuple[UUID, UUID], list[Chunk]] = {}
    for other in others.defer("embedding", "tsv"):
        beside.setdefault((other.document_id, other.index_id), []).append(other)
    there = {row.pk: beside.get((row.document_id, row.index_id), []) for row in rows}
    return {row.pk: _Around([other for other in there[row.pk] if _belongs(other, row, question)]) for row in rows}


def _beside(row: Chunk, which: Q, question: Question) -> Q:
    there = which & Q(index_id=row.index_id, document_id=row.document_id)
    if not question.filters.commit:
        # What stood beside it once and was replaced since is no answer about now, though it itself is as old.
        return there & Q(since__isnull=False, until=None)
    # What stood there at the same time: a replaced chunk's neighbors are those of its day.
    return there & Q(since__lte=row.since) & (Q(until=None) | Q(until__gt=row.since))


def _belongs(other: Chunk, row: Chunk, question: Question) -> bool:
    is_part = row.parent is not None and other.parent == row.parent
    return other.pk == row.pk or is_part or abs(other.ordinal - row.ordinal) <= question.neighbors


def _commits(organization_id: UUID, rows: Sequence[Chunk]) -> dict[tuple[UUID, int], str]:
    """Return the commits at which chunks that were replaced since came to be."""
    old = [row for row in rows if not row.is_live]
    if not old:
        return {}
    numbers = Revision.objects.for_organization(organization_id).filter(
        source_id__in={row.document.source_id for row in old}, number__in={row.since for row in old}
    )
    return {(row.source_id, row.number): row.commit for row in numbers}
