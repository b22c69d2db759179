# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How good an order of passages is, where it is known which places were to be found.

- **Recall@k**: the share of the expected places among the first k (Manning, Raghavan, Schütze, *Introduction to
  Information Retrieval*, 2008, chapter 8).
- **Reciprocal rank**: 1 / the rank of the first passage that is right, 0 where none is; its mean over questions is the
  MRR (Voorhees, *The TREC-8 Question Answering Track Report*, 1999).
- **nDCG@n**: the sum of (2^grade - 1) / log2(rank + 1) over the first n, divided by that sum of the best order there
  could be (Järvelin and Kekäläinen, *Cumulated Gain-Based Evaluation of IR Techniques*, 2002; the gain as in Burges et
  al., *Learning to Rank using Gradient Descent*, 2005).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log2
from typing import Any

from rag.engine.golden import Expected
from rag.engine.passages import Citation

DEPTH = 10
"""nDCG looks at so many passages."""
MEASURES = ("recall", "mrr", "ndcg")


@dataclass(frozen=True, slots=True)
class Measured:
    """How one question did. ``rank`` is that of the first passage that is right, None where none is."""

    recall: float
    mrr: float
    ndcg: float
    rank: int | None

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept and sent."""
        return asdict(self)


def measure(expected: Sequence[Expected], found: Sequence[Citation], *, k: int) -> Measured:
    """Compare what was found, best first, with what was expected. Each place counts once, where it comes first."""
    gains, places = _walk(expected, found)
    rank = next((at for at, gain in enumerate(gains, start=1) if gain), None)
    recall = sum(place <= k for place in places) / len(expected) if expected else 0.0
    best = _cumulated(sorted((each.grade for each in expected), reverse=True)[:DEPTH])
    ndcg = _cumulated(gains[:DEPTH]) / best if best else 0.0
    return Measured(round(recall, 6), round(1 / rank if rank else 0.0, 6), round(ndcg, 6), rank)


def mean_of(measured: Sequence[Measured]) -> dict[str, float]:
    """Return the means over all questions, by measure."""
    count = len(measured) or 1
    return {name: round(sum(getattr(each, name) for each in measured) / count, 6) for name in MEASURES}


def _walk(expected: Sequence[Expected], found: Sequence[Citation]) -> tuple[list[int], list[int]]:
    """Return the grade that each passage brings, and at which rank each place was found that was."""
    left = list(expected)
    gains: list[int] = []
    places: list[int] = []
    for rank, citation in enumerate(found, start=1):
        here = [each for each in left if each.is_in(citation)]
        left = [each for each in left if each not in here]
        gains.append(max((each.grade for each in here), default=0))
        places.extend([rank] * len(here))
    return gains, places


def _cumulated(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / log2(rank + 1) for rank, grade in enumerate(grades, start=1))


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one question since another test: ``better``, ``worse``, ``same``, ``new`` or ``gone``."""

    change: str
    rank_before: int | None = None
    ndcg_before: float | None = None


def difference(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> Difference:
    """Compare how one question does with how it did: by nDCG, then by its first right rank."""
    if before is None:
        return Difference("new")
    order_now, order_before = _order(now), _order(before)
    change = "better" if order_now > order_before else "worse" if order_now < order_before else "same"
    return Difference(change, before["rank"], before["ndcg"])


def _order(kept: Mapping[str, Any]) -> tuple[float, float, float]:
    return kept["ndcg"], kept["recall"], kept["mrr"]
