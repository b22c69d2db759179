# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How what words and meaning say of a chunk becomes one score. Pure; measured by `bin/bench rag`.

- Words: BM25 over terms, divided by the most that the question's terms could bring. It is 0 where none of them stands
  in the chunk, and says of every other how much of the question it covers. What a chunk is called (title, headings,
  signature) counts double.
- Meaning: the cosine, from how near the question is to the index on average (0) to the same direction (1), so that
  embedders whose vectors all lie close together are read like others.

Their sum is weighted: words say much in prose, and less where code answers a question in plain words.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from rag.engine.passages import Mode
from rag.engine.terms import names_in

K1, B = 1.2, 0.75
LABEL_WEIGHT = 2
WORDS_IN_PROSE, WORDS_IN_CODE = 1.0, 0.2
"""What words weigh beside meaning. Where the question itself holds a name of code, they weigh as in prose."""
TITLE = 0.15
"""What words count more where all of the question stands in what the chunk is called."""
FEEDBACK = 0.5
"""How far the question is moved towards the best that was found for it, before meaning is looked at once more."""
FEEDBACK_FROM = 3
AGREEING_AT_LEAST = 3
"""So many of the ten best by words and of the ten best by meaning must be the same for that."""
_TOP = 10
_MARKS = re.compile(r"\w[(\[]|[{}=;<>_]|[):]\n")
_MARKS_SHARE = 0.012


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of all chunks that are asked: how many, their length in terms, and how many hold each term.

    ``background`` is how near the question is to them on average.
    """

    chunks: int = 0
    average_terms: float = 1.0
    holding: Mapping[str, int] | None = None
    background: float = 0.0

    def rarity(self, term: str) -> float:
        """Weigh a term by how few chunks hold it."""
        holding = min((self.holding or {}).get(term, 0), self.chunks)
        return math.log(1 + (self.chunks - holding + 0.5) / (holding + 0.5))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that may be an answer. ``stood`` counts each term among its labels and in its text."""

    chunk_id: UUID
    document_id: UUID
    sha256: str
    nearness: float | None
    stood: Mapping[str, tuple[int, int]]
    terms: int


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with what was said of it; ``meaning`` is the cosine, None where nobody asked for it."""

    candidate: Candidate
    score: float
    words: float
    meaning: float | None


def words_score(candidate: Candidate, rarity: Mapping[str, float], *, average_terms: float) -> float:
    """Return how much of a question a chunk covers, from 0 to 1."""
    best = sum(rarity.values()) * (K1 + 1)
    norm = K1 * (1 - B + B * candidate.terms / max(average_terms, 1.0))
    got = 0.0
    for term, (labels, text) in candidate.stood.items():
        count = labels * LABEL_WEIGHT + text
        got += rarity[term] * count * (K1 + 1) / (count + norm)
    return got / best if best else 0.0


def title_score(candidate: Candidate, rarity: Mapping[str, float]) -> float:
    """Return how much of a question stands in what a chunk is called, from 0 to 1."""
    best = sum(rarity.values())
    return sum(rarity[term] for term, (labels, _) in candidate.stood.items() if labels) / best if best else 0.0


def fused(
    candidates: Sequence[Candidate],
    terms: Sequence[str],
    statistics: Statistics,
    *,
    mode: Mode,
    words_weight: float = WORDS_IN_PROSE,
) -> list[Scored]:
    """Return candidates with their scores, best first; by words alone, those that hold none are left out."""
    rarity = {term: statistics.rarity(term) for term in terms}
    scored = [_scored(each, rarity, statistics, mode=mode, words_weight=words_weight) for each in candidates]
    if mode is Mode.EXACT:
        scored = [each for each in scored if each.words > 0]
    return sorted(scored, key=lambda each: (-each.score, each.candidate.chunk_id))


def _scored(
    candidate: Candidate, rarity: Mapping[str, float], statistics: Statistics, *, mode: Mode, words_weight: float
) -> Scored:
    words = words_score(candidate, rarity, average_terms=statistics.average_terms)
    near = candidate.nearness
    meaning = 0.0 if near is None else (near - statistics.background) / max(1 - statistics.background, 1e-6)
    if mode is Mode.SEMANTIC:
        return Scored(candidate, meaning, words, near)
    title = TITLE * title_score(candidate, rarity)
    if mode is Mode.EXACT:
        return Scored(candidate, (words + title) / (1 + TITLE), words, near)
    # Divided by the most there can be, so that scores of one question compare with those of the next.
    return Scored(candidate, (meaning + words_weight * (words + title)) / (1 + words_weight * (1 + TITLE)), words, near)


def ranks(scored: Sequence[Scored]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Return each chunk's place by words and by meaning, from 1."""
    by_words = sorted((each for each in scored if each.words > 0), key=lambda each: -each.words)
    by_meaning = sorted((each for each in scored if each.meaning is not None), key=lambda each: -(each.meaning or 0))
    return (
        {each.candidate.chunk_id: place for place, each in enumerate(by_words, start=1)},
        {each.candidate.chunk_id: place for place, each in enumerate(by_meaning, start=1)},
    )


def is_agreed(scored: Sequence[Scored]) -> bool:
    """Tell whether words and meaning lead to much the same: then the best found say more about what is wanted."""
    by_words, by_meaning = ranks(scored)
    both = {chunk for chunk, place in by_words.items() if place <= _TOP}
    return len(both & {chunk for chunk, place in by_meaning.items() if place <= _TOP}) >= AGREEING_AT_LEAST


def looks_like_code(texts: Collection[str]) -> bool:
    """Tell whether most of these are code, by the marks that prose has few of."""
    marked = [len(_MARKS.findall(text)) > _MARKS_SHARE * len(text) for text in texts if text]
    return sum(marked) * 2 > len(marked)


def words_weight(question: str, *, is_code: bool) -> float:
    """Return what words weigh for a question, beside meaning."""
    return WORDS_IN_CODE if is_code and not names_in(question) else WORDS_IN_PROSE
