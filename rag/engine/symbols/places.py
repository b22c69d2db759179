# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How well what is known of symbols answers a question: places in documents, with a score and the reason for it.

A score is between 0 and 1 and means the same for every question: 1 is the very name that was asked for, and what has
only some of the words stays below a half.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TypeVar

from rag.engine.symbols.asking import Asked, Name
from rag.engine.symbols.facts import ReferenceKind, SymbolKind
from rag.engine.symbols.modules import words_of_symbol
from rag.engine.symbols.words import key_of, words_of

D = TypeVar("D")

LEAST_SCORE = 0.25
"""What is worse is no answer."""
_EXACT, _SAME_KEY, _SPOKEN, _PART = 1.0, 0.96, 0.9, 0.8
_KIN_WEIGHT = 0.6
_ELSEWHERE = 0.7
_KINDS = {
    **dict.fromkeys((SymbolKind.ENUM, SymbolKind.TYPE, SymbolKind.MACRO), 0.95),
    **dict.fromkeys((SymbolKind.CONSTANT, SymbolKind.VARIABLE), 0.85),
    SymbolKind.NAMESPACE: 0.8,
    SymbolKind.FIELD: 0.7,
}
_USES = {
    ReferenceKind.CALL: 1.0,
    ReferenceKind.BASE: 0.95,
    ReferenceKind.USE: 0.8,
    ReferenceKind.TYPE: 0.75,
    ReferenceKind.IMPORT: 0.6,
}
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|testdata|fixtures|fakes|mocks?)/|(?:^|/)test_|[._](?:test|spec)\.|_test\."
)
_AWAY = re.compile(r"(?:^|/)(?:node_modules|vendor|third_party|dist|build|generated|migrations)/|\.min\.")


@dataclass(frozen=True, slots=True)
class Known:
    """A symbol as it is kept."""

    name: str
    kind: SymbolKind
    scope: str
    first_line: int
    last_line: int
    path: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a document that answers, how well, and why."""

    line: int
    score: float
    why: str


def rate_definition(known: Known, asked: Asked, *, counts: Mapping[str, int]) -> float:
    """Return how well a definition answers; ``counts`` says how many symbols have each word."""
    by_name = max((_rate_name(known, name, asked) for name in asked.names), default=0.0)
    by_words = _rate_words(known, asked, counts)
    return max(by_name, by_words) * _KINDS.get(known.kind, 1.0) * _rate_path(known.path, asked)


def _rate_name(known: Known, name: Name, asked: Asked) -> float:
    if key_of(known.name) != name.key:
        return 0.0
    there = _rate_scope(known, name.scope)
    if name.is_sure:
        return there * (_EXACT if known.name == name.text else _SAME_KEY)
    # All that was said, as one name; else as much of it as is in the name.
    share = len(words_of(name.text)) / max(1, len(asked.words))
    return there * (_SPOKEN if share >= 1 else _PART * share)


def _rate_scope(known: Known, scope: str) -> float:
    if not scope:
        return 1.0
    wanted = [key_of(part) for part in scope.split(".")]
    around = [key_of(part) for part in re.split(r"[./]", f"{known.path.rpartition('.')[0]}.{known.scope}")]
    return 1.0 if all(part in around for part in wanted) else _ELSEWHERE


def _rate_words(known: Known, asked: Asked, counts: Mapping[str, int]) -> float:
    there = _words_at(known)
    if not asked.words or not there:
        return 0.0
    weights = {word: _weight(counts.get(word, 0)) for word in asked.words}
    found = sum(weight for word, weight in weights.items() if word in there)
    kin = max((weight for word, weight in weights.items() if word not in there), default=0.0)
    if kin and any(word in there for word in asked.kin):
        found += _KIN_WEIGHT * kin
    share = found / sum(weights.values())
    hits = sum(word in there for word in (*asked.words, *asked.kin))
    return _PART * share * (0.6 + 0.4 * min(1.0, hits / len(there)))


def _words_at(known: Known) -> frozenset[str]:
    return frozenset(words_of_symbol(known.name, known.kind, known.scope))


def _weight(count: int) -> float:
    # A rare word says more than one that is everywhere.
    return 1.0 / (1.0 + log(1 + count))


def _rate_path(path: str, asked: Asked) -> float:
    if _AWAY.search(path):
        return 0.6
    return 0.8 if _TESTS.search(path) and not asked.is_about_tests else 1.0


def rate_use(kind: ReferenceKind, path: str, asked: Asked, *, is_sure: bool, is_linked: bool) -> float:
    """Return how well a use answers; one ``is_linked`` where its document takes the name from where it is defined."""
    spelled = 1.0 if is_sure else _PART
    return _USES[kind] * spelled * (1.0 if is_linked else 0.85) * (0.9 if _rate_path(path, asked) < 1 else 1.0)


def best_spots(spots: Sequence[tuple[D, Spot]], *, most: int) -> list[tuple[D, Spot]]:
    """Return the best spots, best first; of one line only the best."""
    best: dict[tuple[D, int], tuple[D, Spot]] = {}
    for document, spot in spots:
        other = best.get((document, spot.line))
        if spot.score >= LEAST_SCORE and (other is None or other[1].score < spot.score):
            best[document, spot.line] = (document, spot)
    return sorted(best.values(), key=lambda pair: -pair[1].score)[:most]


def holding(spot: Spot, ranges: Sequence[tuple[D, tuple[int, int]]]) -> D | None:
    """Return which of several ranges of lines holds a spot most closely."""
    around = [(last - first, key) for key, (first, last) in ranges if first <= spot.line <= last]
    return min(around, key=lambda pair: pair[0])[1] if around else None
