# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A summary of the sentences that most others are about: ranked by their likeness to each other and their place.

The same text gives the same summary. However long it is, so many sentences are held against each other and no more.
"""

import math
from collections.abc import Sequence

from llm.adapters.quoting import Quote, is_telling

MOST_COMPARED = 120
ROUNDS = 20
DAMPING = 0.85
# Of a sentence that says mostly what one chosen before it says, a summary gets nothing.
MOST_ALIKE = 0.6
# What others have little in common with is beside the matter.
LEAST_SHARE = 0.3


def telling_sentences(quotes: Sequence[Quote], said: Sequence[Sequence[str]], *, most: int) -> list[Quote]:
    """Choose the most telling of these sentences, best first; ``said`` holds the words of each, by its order."""
    compared = list(quotes[:MOST_COMPARED])
    own = [{word for word in said[quote.order] if is_telling(word)} for quote in compared]
    ranks = _ranks([[_alike(one, other) if one is not other else 0.0 for other in own] for one in own])
    # What stands early says more of what a text is about.
    scores = [rank * (1 + 1 / (2 + quote.order)) for rank, quote in zip(ranks, compared, strict=True)]
    least, chosen = LEAST_SHARE * max(scores, default=0.0), list[int]()
    for index in sorted(range(len(compared)), key=lambda index: (-scores[index], compared[index].order)):
        is_new = all(_alike(own[index], own[other]) < MOST_ALIKE for other in chosen)
        if len(chosen) < most and scores[index] >= least and is_new:
            chosen.append(index)
    return [compared[index] for index in chosen]


def _alike(one: set[str], other: set[str]) -> float:
    """How much two sentences have in common, whatever their length."""
    if len(one) < 2 or len(other) < 2:
        return 0.0
    return len(one & other) / math.sqrt(len(one) * len(other))


def _ranks(likeness: Sequence[Sequence[float]]) -> Sequence[float]:
    """Give each the weight that all others hand on to it, by how alike they are."""
    count = len(likeness)
    sums = [sum(row) or 1.0 for row in likeness]
    links = [
        [(other, row[other] / sums[index]) for other in range(count) if row[other]]
        for index, row in enumerate(likeness)
    ]
    ranks = [1.0] * count
    for _ in range(ROUNDS):
        following = [1 - DAMPING] * count
        for index, row in enumerate(links):
            for other, share in row:
                following[other] += DAMPING * ranks[index] * share
        ranks = following
    return ranks
