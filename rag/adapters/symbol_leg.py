# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The leg of a search that goes by names: which chunks hold what a question about code asks for.

It answers for the present: symbols are kept of what stands in a source now, so a question about an older commit gets
nothing here. To be called inside of the organization's transaction.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q

from rag.engine.symbols.asking import Asked, Wanted, read_question
from rag.engine.symbols.facts import ReferenceKind, SymbolKind
from rag.engine.symbols.importing import ends_of, is_meant, leaf_of
from rag.engine.symbols.places import Known, Spot, best_spots, holding, rate_definition, rate_use
from rag.models import Chunk, Document, DocumentState, KnowledgeIndex, Symbol, SymbolImport, SymbolReference, SymbolWord

MOST_HITS = 50
_MOST_BY_NAME = 400
_MOST_BY_WORD = 3_000
_MOST_RATED = 400
_MOST_REFERENCES = 600
_MOST_SPOTS = 120


@dataclass(frozen=True, slots=True)
class SymbolHit:
    """A chunk found by a name: its place among all, from 1, its score from 0 to 1, and why in words."""

    chunk_id: UUID
    document_id: UUID
    rank: int
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class _Where:
    """Whose symbols are looked at, and which of their documents count."""

    organization_id: UUID
    base_ids: Sequence[UUID]
    allowed: Q


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
    where = _Where(organization_id, list(indexes.values_list("base_id", flat=True)), allowed or Q())
    spots = best_spots(list(_spots(where, asked)), most=_MOST_SPOTS)
    return _chunks(where, index_ids, spots, most=most)


def _spots(where: _Where, asked: Asked) -> Iterator[tuple[UUID, Spot]]:
    defined = _definitions(where, asked)
    if asked.wanted is Wanted.REFERENCES:
        yield from _references(where, asked, defined)
        # Where it stands is worth seeing too, below who uses it.
        yield from ((document, Spot(spot.line, spot.score * 0.5, spot.why)) for document, _, spot in defined)
    elif asked.wanted is Wanted.IMPORTERS:
        yield from _importers(where, asked, defined)
    else:
        yield from ((document, spot) for document, _, spot in defined)


_Defined = tuple[UUID, Known, Spot]


def _definitions(where: _Where, asked: Asked) -> list[_Defined]:
    counts = _counts(where, asked)
    found: dict[UUID, _Defined] = {}
    for row in _candidates(where, asked, counts):
        path = row.document.path
        known = Known(row.name, SymbolKind(row.kind), row.scope, row.first_line, row.last_line, path)
        score = rate_definition(known, asked, counts=counts)
        why = f"{row.kind} {row} is defined here" if row.kind != SymbolKind.MODULE else f"the file is {path}"
        found[row.pk] = (row.document_id, known, Spot(row.first_line, score, why))
    return sorted(found.values(), key=lambda one: -one[2].score)


def _candidates(where: _Where, asked: Asked, counts: Mapping[str, int]) -> list[Symbol]:
    rows = Symbol.objects.for_organization(where.organization_id).filter(base_id__in=where.base_ids)
    rows = rows.select_related("document").defer("signature")
    keys = [name.key for name in asked.names] + list(asked.kin)
    by_name = _counting(rows.filter(key__in=keys), where)[:_MOST_BY_NAME]
    if asked.wanted is Wanted.ANYTHING:
        return list(by_name)
    ids = _by_words(where, asked, counts)
    return [*by_name, *_counting(rows.filter(pk__in=ids), where)]


def _counting(rows, where: _Where):  # type: ignore[no-untyped-def]
    here = rows.exclude(document__state=DocumentState.REMOVED)
    allowed = Document.objects.for_organization(where.organization_id).filter(where.allowed)
    return here.filter(document__in=allowed) if where.allowed else here


def _counts(where: _Where, asked: Asked) -> dict[str, int]:
    rows = SymbolWord.objects.for_organization(where.organization_id)
    rows = rows.filter(base_id__in=where.base_ids, word__in=[*asked.words, *asked.kin])
    return dict(rows.values_list("word").annotate(count=Count("pk")))


def _by_words(where: _Where, asked: Asked, counts: Mapping[str, int]) -> list[UUID]:
    """Return the symbols that have the most of the words, the rarer ones first."""
    weights: dict[UUID, float] = {}
    left = _MOST_BY_WORD
    for word in sorted((word for word in (*asked.words, *asked.kin) if word in counts), key=lambda word: counts[word]):
        rows = SymbolWord.objects.for_organization(where.organization_id)
        rows = rows.filter(base_id__in=where.base_ids, word=word)
        for symbol_id in rows.values_list("symbol_id", flat=True)[:left]:
            weights[symbol_id] = weights.get(symbol_id, 0.0) + 1.0 / (1 + counts[word])
            left -= 1
        if left <= 0:
            break
    return sorted(weights, key=lambda symbol_id: -weights[symbol_id])[:_MOST_RATED]


def _references(where: _Where, asked: Asked, defined: Sequence[_Defined]) -> Iterator[tuple[UUID, Spot]]:
    sure = {name.text for name in asked.names if name.is_sure}
    least = 0.7 if not sure else 0.9
    meant = {known.name for _, known, spot in defined if spot.score >= least and known.kind != SymbolKind.MODULE}
    names = sure | meant
    rows = SymbolReference.objects.for_organization(where.organization_id).filter(base_id__in=where.base_ids)
    rows = _counting(rows.filter(name__in=names).select_related("document"), where)[:_MOST_REFERENCES]
    linked = _linked(where, [(document, known) for document, known, _ in defined if known.name in names])
    for row in rows:
        for use in row.uses:
            kind = ReferenceKind(use["kind"])
            is_linked = row.document_id in linked
            score = rate_use(kind, row.document.path, asked, is_sure=row.name in sure, is_linked=is_linked)
            for line in use["lines"]:
                yield row.document_id, Spot(line, score, _why(row.name, kind, use["inside"]))


def _why(name: str, kind: ReferenceKind, inside: str) -> str:
    said = {
        ReferenceKind.CALL: "calls",
        ReferenceKind.BASE: "builds on",
        ReferenceKind.TYPE: "names the type",
        ReferenceKind.IMPORT: "imports",
        ReferenceKind.USE: "uses",
    }[kind]
    return f"{inside} {said} {name}" if inside else f"{said} {name} here"


def _linked(where: _Where, defined: Iterable[tuple[UUID, Known]]) -> set[UUID]:
    """Return the documents that define something, and those that import one of them."""
    found = {document: known.path for document, known in defined}
    ends = [end for path in found.values() for end in ends_of(path)]
    return {*found, *(row.document_id for row in _imports_of(where, ends))}


def _imports_of(where: _Where, ends: Sequence[str]) -> list[SymbolImport]:
    leaves = {leaf_of(end) for end in ends}
    rows = SymbolImport.objects.for_organization(where.organization_id).filter(base_id__in=where.base_ids)
    found = _counting(rows.filter(leaf__in=leaves).select_related("document"), where)[:_MOST_REFERENCES]
    return [row for row in found if any(is_meant(row.target, end) for end in ends)]


def _importers(where: _Where, asked: Asked, defined: Sequence[_Defined]) -> Iterator[tuple[UUID, Spot]]:
    best = max((spot.score for _, _, spot in defined), default=0.0)
    paths = {known.path for _, known, spot in defined if spot.score >= max(0.5, 0.8 * best)}
    names = {known.name for _, known, spot in defined if known.path in paths and spot.score >= 0.8 * best}
    names |= {name.text for name in asked.names if name.is_sure}
    for row in _imports_of(where, [end for path in paths for end in ends_of(path)]):
        # Whoever takes the very name from there is meant more than who takes another.
        score = 0.95 if not row.names or names & {*row.names, leaf_of(row.target)} else 0.7
        yield row.document_id, Spot(row.line, score, f"imports {row.module}")
    rows = SymbolReference.objects.for_organization(where.organization_id).filter(base_id__in=where.base_ids)
    for found in _counting(rows.filter(name__in=names).select_related("document"), where)[:_MOST_REFERENCES]:
        lines = (line for use in found.uses if use["kind"] == ReferenceKind.IMPORT for line in use["lines"])
        yield from ((found.document_id, Spot(line, 0.85, f"imports {found.name}")) for line in lines)


def _chunks(
    where: _Where, index_ids: Collection[UUID], spots: Sequence[tuple[UUID, Spot]], *, most: int
) -> list[SymbolHit]:
    ranges: dict[UUID, list[tuple[UUID, tuple[int, int]]]] = {}
    live = Chunk.objects.for_organization(where.organization_id).filter(since__isnull=False, until=None)
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
