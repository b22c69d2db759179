# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The leg of a search that goes by names: which chunks hold what a question about code asks for.

It answers for the present: symbols are kept of what stands in a source now, so a question about an older commit gets
nothing here. To be called inside of the organization's transaction.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from rag.adapters.symbol_rows import SymbolRows
from rag.engine.symbols.asking import Asked, Wanted, read_question
from rag.engine.symbols.facts import ReferenceKind, SymbolKind
from rag.engine.symbols.importing import ends_of, leaf_of
from rag.engine.symbols.places import LEAST_SCORE, Known, Spot, best_spots, holding, rate_definition, rate_use
from rag.models import Chunk, KnowledgeIndex

MOST_HITS = 50
_MOST_RATED = 200
_MOST_SPOTS = 80


@dataclass(frozen=True, slots=True)
class SymbolHit:
    """A chunk found by a name: its place among all, from 1, its score from 0 to 1, and why in words."""

    chunk_id: UUID
    document_id: UUID
    rank: int
    score: float
    why: str


def find_symbols(
    organization_id: UUID,
    index_ids: Collection[UUID],
    question: str,
    *,
    allowed: Q | None = None,
    most: int = MOST_HITS,
) -> list[SymbolHit]:
    """Return the chunks of some indexes that a question about code asks for, best first; none where it asks for none.

    ``allowed`` says which documents count, as a condition on Document.
    """
    asked = read_question(question)
    if not asked.is_about_code or not index_ids:
        return []
    indexes = KnowledgeIndex.objects.for_organization(organization_id).filter(pk__in=index_ids)
    rows = SymbolRows(organization_id, list(indexes.values_list("base_id", flat=True)), allowed or Q())
    spots = best_spots(list(_spots(rows, asked)), most=_MOST_SPOTS)
    return _chunks(organization_id, index_ids, spots, most=most)


def _spots(rows: SymbolRows, asked: Asked) -> Iterator[tuple[UUID, Spot]]:
    defined = _definitions(rows, asked)
    if asked.wanted is Wanted.REFERENCES:
        yield from _references(rows, asked, defined)
        # Where it stands is worth seeing too, below who uses it.
        yield from ((document, Spot(spot.line, spot.score * 0.5, spot.why)) for document, _, spot in defined)
    elif asked.wanted is Wanted.IMPORTERS:
        yield from _importers(rows, asked, defined)
    else:
        yield from ((document, spot) for document, _, spot in defined)


_Defined = tuple[UUID, Known, Spot]


def _definitions(rows: SymbolRows, asked: Asked) -> list[_Defined]:
    words = [*asked.words, *asked.kin]
    counts = rows.count_words(words)
    found = rows.with_keys([*(name.key for name in asked.names), *asked.kin])
    if asked.wanted is not Wanted.ANYTHING:
        found += rows.with_ids(rows.find_by_words(words, counts, most=_MOST_RATED))
    rated = [
        (document, known, rate_definition(known, asked, counts=counts)) for document, known in dict.fromkeys(found)
    ]
    return [
        (document, known, Spot(known.first_line, score, _defined_here(known)))
        for document, known, score in sorted(rated, key=lambda one: -one[2])
        if score >= LEAST_SCORE
    ]


def _defined_here(known: Known) -> str:
    if known.kind is SymbolKind.MODULE:
        return f"the file is {known.path}"
    return f"{known.kind} {f'{known.scope}.{known.name}' if known.scope else known.name} is defined here"


def _references(rows: SymbolRows, asked: Asked, defined: Sequence[_Defined]) -> Iterator[tuple[UUID, Spot]]:
    sure = {name.text for name in asked.names if name.is_sure}
    least = 0.9 if sure else 0.7
    meant = {known.name for _, known, spot in defined if spot.score >= least and known.kind != SymbolKind.MODULE}
    names = sure | meant
    linked = _linked(rows, [(document, known) for document, known, _ in defined if known.name in names])
    for found in rows.uses_of(names):
        for use in found.uses:
            kind = ReferenceKind(use["kind"])
            is_linked = found.document_id in linked
            score = rate_use(kind, found.path, asked, is_sure=found.name in sure, is_linked=is_linked)
            for line in use["lines"]:
                yield found.document_id, Spot(line, score, _why(found.name, kind, use["inside"]))


def _why(name: str, kind: ReferenceKind, inside: str) -> str:
    said = {
        ReferenceKind.CALL: "calls",
        ReferenceKind.BASE: "builds on",
        ReferenceKind.TYPE: "names the type",
        ReferenceKind.IMPORT: "imports",
        ReferenceKind.USE: "uses",
    }[kind]
    return f"{inside} {said} {name}" if inside else f"{said} {name} here"


def _linked(rows: SymbolRows, defined: Iterable[tuple[UUID, Known]]) -> set[UUID]:
    """Return the documents that define something, and those that import one of them."""
    found = {document: known.path for document, known in defined}
    ends = [end for path in found.values() for end in ends_of(path)]
    return {*found, *(row.document_id for row in rows.imports_of(ends))}


def _importers(rows: SymbolRows, asked: Asked, defined: Sequence[_Defined]) -> Iterator[tuple[UUID, Spot]]:
    best = max((spot.score for _, _, spot in defined), default=0.0)
    meant = [known for _, known, spot in defined if spot.score >= max(0.5, 0.8 * best)]
    names = {*(known.name for known in meant), *(name.text for name in asked.names if name.is_sure)}
    # What is imported need not be here itself: a library is asked for by the name it is imported by.
    said = ["/".join((*name.scope.split("."), name.text)).strip("/") for name in asked.names]
    for row in rows.imports_of([*said, *(end for known in meant for end in ends_of(known.path))]):
        # Whoever takes the very name from there is meant more than who takes another.
        score = 0.95 if not row.names or names & {*row.names, leaf_of(row.target)} else 0.7
        yield row.document_id, Spot(row.line, score, f"imports {row.module}")
    for found in rows.uses_of(names):
        lines = (line for use in found.uses if use["kind"] == ReferenceKind.IMPORT for line in use["lines"])
        yield from ((found.document_id, Spot(line, 0.85, f"imports {found.name}")) for line in lines)


def _chunks(
    organization_id: UUID, index_ids: Collection[UUID], spots: Sequence[tuple[UUID, Spot]], *, most: int
) -> list[SymbolHit]:
    ranges: dict[UUID, list[tuple[UUID, tuple[int, int]]]] = {}
    live = Chunk.objects.for_organization(organization_id).filter(since__isnull=False, until=None)
    live = live.filter(index_id__in=index_ids, document_id__in={document for document, _ in spots})
    for pk, document, place in live.values_list("pk", "document_id", "place"):
        if lines := place.get("lines"):
            ranges.setdefault(document, []).append((pk, (lines[0], lines[1])))
    hits: dict[UUID, tuple[UUID, Spot]] = {}
    for document, spot in spots:
        chunk = holding(spot, ranges.get(document, ()))
        if chunk is not None:
            hits.setdefault(chunk, (document, spot))
    return [
        SymbolHit(chunk, document, rank, spot.score, spot.why)
        for rank, (chunk, (document, spot)) in enumerate(list(hits.items())[:most], start=1)
    ]
