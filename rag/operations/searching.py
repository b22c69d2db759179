# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Searching knowledge bases: words, meaning, names and the past come together, and the best of it is told.

Bases whose chunks were embedded by the same maker are searched as one; others beside them, each with their own vector.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.actor import Actor
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.embeddings import Vector
from rag.adapters import index
from rag.adapters.recency_leg import find_freshness
from rag.adapters.symbol_leg import find_symbols
from rag.engine.fusion import (
    FEEDBACK_FROM,
    Candidate,
    Scored,
    Statistics,
    fused,
    is_agreed,
    looks_like_code,
    ranks,
    words_weight,
)
from rag.engine.passages import Found, Leg, Mode, Question
from rag.engine.recency import asks_for_recent, nudge
from rag.engine.terms import names_in, question_terms
from rag.engine.variety import twins_last, varied
from rag.models import KnowledgeBase, KnowledgeIndex, Strategy
from rag.operations.question_vectors import embed_question
from rag.operations.reranking import MOST_RERANKED, reranked
from rag.queries.conditions import Condition, condition_of, document_filter
from rag.queries.passages import read_passages, texts_of

SYMBOL_WEIGHT = 0.35
"""What the surest hit by a name adds, where the question asks for a place in code."""
_MOST_TERMS = 32
_MOST_SEEN = 10
_MORE = 4
"""So many times as many as are wanted are looked at by those who choose among them."""

Legs = dict[str, Leg]


@dataclass(frozen=True, slots=True)
class _Group:
    """Indexes whose vectors are of the same maker, and the question as a vector of theirs."""

    indexes: Sequence[KnowledgeIndex]
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What was scored, best first, and by name what each way of finding said of it."""

    scored: Sequence[Scored]
    legs: dict[UUID, Legs]
    considered: int


def search(actor: Actor, bases: Sequence[KnowledgeBase], question: Question) -> Found:
    """Return the passages of some knowledge bases, which the actor sees, that answer a question best.

    Raises what embedding a question raises. That a reranker is away is a note, no error.
    """
    groups = [
        _Group(indexes, _vector(actor, bases, indexes=indexes, question=question)) for indexes in _indexes(actor, bases)
    ]
    notes: list[str] = []
    with tenant(actor.organization_id):
        condition = condition_of(actor.organization_id, [base.pk for base in bases], question.filters)
        if condition is None:
            return Found(notes=(f"No source here has had a commit {question.filters.commit!r}.",))
        ranked = _ranked(actor.organization_id, groups, condition=condition, question=question)
        ranked = replace(ranked, scored=twins_last(ranked.scored))
        seen = [each.candidate.chunk_id for each in ranked.scored[:MOST_RERANKED]] if question.rerank else []
        texts = texts_of(actor.organization_id, seen)
    if question.rerank and texts:
        ranked = _reranked(ranked, texts, bases=bases, question=question, notes=notes)
    with tenant(actor.organization_id):
        chosen = _chosen(actor.organization_id, ranked.scored, question)
        legs = {each.candidate.chunk_id: ranked.legs.get(each.candidate.chunk_id, {}) for each in chosen}
        passages = read_passages(actor.organization_id, chosen, legs, question=question)
    kept = passages if question.explain else [replace(each, legs={}) for each in passages]
    return Found(tuple(kept), ranked.considered, tuple(notes))


def _indexes(actor: Actor, bases: Sequence[KnowledgeBase]) -> Iterable[Sequence[KnowledgeIndex]]:
    """Return the indexes in use, those together whose vectors may be compared."""
    with tenant(actor.organization_id):
        rows = KnowledgeIndex.objects.for_organization(actor.organization_id)
        active = [base.active_index_id for base in bases if base.active_index_id]
        groups: dict[tuple[str, str, int], list[KnowledgeIndex]] = {}
        for row in rows.filter(pk__in=active).order_by("pk"):
            groups.setdefault((row.model, row.identity, row.dimensions), []).append(row)
        return list(groups.values())


def _vector(
    actor: Actor, bases: Sequence[KnowledgeBase], *, indexes: Sequence[KnowledgeIndex], question: Question
) -> Vector | None:
    # An index that holds nothing yet does not know its maker.
    if question.mode is Mode.EXACT or not indexes[0].dimensions:
        return None
    base = next(base for base in bases if base.active_index_id == indexes[0].pk)
    return embed_question(actor, question.text, base=base, index=indexes[0])


def _ranked(organization_id: UUID, groups: Sequence[_Group], *, condition: Condition, question: Question) -> _Ranked:
    terms = [] if question.mode is Mode.SEMANTIC else question_terms(question.text)[:_MOST_TERMS]
    scored: list[Scored] = []
    legs: dict[UUID, Legs] = {}
    considered = 0
    for group in groups:
        for scope, is_large in _scopes(organization_id, group, condition):
            found, of = _scored(scope, group, terms=terms, question=question, is_large=is_large)
            scored, considered = [*scored, *found], considered + of
    by_words, by_meaning = ranks(scored)
    for each in scored:
        chunk = each.candidate.chunk_id
        legs[chunk] = {}
        if chunk in by_words:
            legs[chunk]["lexical"] = Leg(by_words[chunk], each.words)
        if each.meaning is not None:
            legs[chunk]["vector"] = Leg(by_meaning[chunk], each.meaning)
    if question.mode is Mode.HYBRID and condition.is_about_now:
        scored = _with_symbols(organization_id, groups, scored=scored, legs=legs, question=question)
    if question.temporal or (question.temporal is None and asks_for_recent(question.text)):
        scored = _with_recency(organization_id, scored, legs=legs, question=question)
    return _Ranked(sorted(scored, key=lambda each: -each.score), legs, considered)


def _scopes(organization_id: UUID, group: _Group, condition: Condition) -> Iterable[tuple[index.Scope, bool]]:
    """Divide a group: small indexes are searched in one go, each large one by itself."""
    large = [row for row in group.indexes if row.strategy == Strategy.HNSW and condition.is_about_now]
    small = [row.pk for row in group.indexes if row not in large]
    for row in large:
        scope = index.Scope(organization_id, [row.pk], condition)
        is_few = bool(condition.documents) and index.count_chunks(scope) <= index.EXACT_WITHIN
        yield scope, not is_few
    if small:
        yield index.Scope(organization_id, small, condition), False


def _scored(
    scope: index.Scope, group: _Group, *, terms: Sequence[str], question: Question, is_large: bool
) -> tuple[list[Scored], int]:
    vector = index.vector_text(group.vector) if group.vector is not None else None
    if is_large:
        pool = index.find_in_large(scope, terms=terms, vector=vector, dimensions=group.indexes[0].dimensions)
    else:
        pool = index.find_in_small(scope, terms=terms, vector=vector)
    candidates = index.read_candidates(scope, pool.ids, terms=terms, vector=vector) if pool.ids else []
    if question.mode is not Mode.HYBRID or group.vector is None:
        mode = Mode.EXACT if group.vector is None else question.mode
        return fused(candidates, terms, pool.statistics, mode=mode), pool.statistics.chunks
    return _fused(
        scope, group.vector, candidates=candidates, terms=terms, statistics=pool.statistics, question=question
    ), pool.statistics.chunks


def _fused(
    scope: index.Scope,
    vector: Vector,
    *,
    candidates: Sequence[Candidate],
    terms: Sequence[str],
    statistics: Statistics,
    question: Question,
) -> list[Scored]:
    """Bring words and meaning together; where both lead to the same, look once more from where they lead."""
    first = fused(candidates, terms, statistics, mode=Mode.HYBRID)
    if not first:
        return first
    top = [each.candidate.chunk_id for each in first[:_MOST_SEEN]]
    is_code = not names_in(question.text) and looks_like_code(index.starts_of_texts(scope, top))
    weight = words_weight(question.text, is_code=is_code)
    first = fused(candidates, terms, statistics, mode=Mode.HYBRID, words_weight=weight)
    # Of code, one function is meant: what is like the best of it is something else.
    if is_code or not is_agreed(first):
        return first
    best = [each.candidate.chunk_id for each in first[:FEEDBACK_FROM]]
    ids = [each.chunk_id for each in candidates]
    moved = index.nearness_after_feedback(scope, ids, vector=vector, best=best)
    second = [replace(each, nearness=moved.get(each.chunk_id, each.nearness)) for each in candidates]
    before = {each.candidate.chunk_id: each for each in first}
    again = fused(second, terms, statistics, mode=Mode.HYBRID, words_weight=weight)
    # What is told of meaning is how near the chunk is to the question that was asked.
    return [replace(each, meaning=before[each.candidate.chunk_id].meaning) for each in again]


def _with_symbols(
    organization_id: UUID,
    groups: Sequence[_Group],
    *,
    scored: Sequence[Scored],
    legs: dict[UUID, Legs],
    question: Question,
) -> list[Scored]:
    indexes = [row.pk for group in groups for row in group.indexes]
    hits = find_symbols(organization_id, indexes, question.text, allowed=document_filter(question.filters))
    known = {each.candidate.chunk_id: each for each in scored}
    for hit in hits:
        nothing = Scored(Candidate(hit.chunk_id, hit.document_id, "", None, {}, 0), 0.0, 0.0, None)
        each = known.get(hit.chunk_id, nothing)
        known[hit.chunk_id] = replace(each, score=each.score + SYMBOL_WEIGHT * hit.score)
        legs.setdefault(hit.chunk_id, {})["symbol"] = Leg(hit.rank, hit.score, hit.why)
    return list(known.values())


def _with_recency(
    organization_id: UUID, scored: Sequence[Scored], *, legs: dict[UUID, Legs], question: Question
) -> list[Scored]:
    now, is_asked = clock.now(), asks_for_recent(question.text)
    facts = find_freshness(organization_id, [each.candidate.chunk_id for each in scored], now=now)
    fresh = {chunk: nudge(known, now=now, is_asked=is_asked) for chunk, known in facts.items()}
    order = sorted(fresh, key=lambda chunk: -fresh[chunk].freshness)
    for place, chunk in enumerate(order, start=1):
        legs.setdefault(chunk, {})["recency"] = Leg(place, fresh[chunk].freshness, fresh[chunk].why)
    return [
        replace(each, score=each.score * fresh[each.candidate.chunk_id].factor)
        if each.candidate.chunk_id in fresh
        else each
        for each in scored
    ]


def _reranked(
    ranked: _Ranked, texts: dict[UUID, str], *, bases: Sequence[KnowledgeBase], question: Question, notes: list[str]
) -> _Ranked:
    scores = reranked(question.text, texts, bases=bases, notes=notes)
    for place, chunk in enumerate(sorted(scores, key=lambda chunk: -scores[chunk]), start=1):
        ranked.legs.setdefault(chunk, {})["rerank"] = Leg(place, scores[chunk])
    if not scores:
        return ranked
    first = [
        replace(each, score=scores[each.candidate.chunk_id])
        for each in ranked.scored
        if each.candidate.chunk_id in scores
    ]
    return replace(ranked, scored=sorted(first, key=lambda each: -each.score))


def _chosen(organization_id: UUID, scored: Sequence[Scored], question: Question) -> Sequence[Scored]:
    most = question.top_k * _MORE if question.neighbors else question.top_k
    if not question.mmr:
        return scored[:most]
    among = scored[: most * _MORE]
    texts = texts_of(organization_id, [each.candidate.chunk_id for each in among])
    holds = {chunk: frozenset(question_terms(text)) for chunk, text in texts.items()}
    return varied(among, holds, share=question.mmr, most=most)
