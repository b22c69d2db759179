# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Choosing among what was found: copies last, and different texts where that is wanted (MMR)."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from rag.engine.fusion import Scored

MOST_COMPARED = 200
"""Each is compared with each that was chosen, so only the best are; what else is wanted follows by its score."""


def twins_last(scored: Sequence[Scored]) -> list[Scored]:
    """Put those that say the very same as a better one behind all others, as copies of a file do."""
    seen: set[str] = set()
    first: list[Scored] = []
    last: list[Scored] = []
    for each in scored:
        digest = each.candidate.sha256
        (last if digest and digest in seen else first).append(each)
        seen.add(digest)
    return first + last


def varied(scored: Sequence[Scored], holds: Mapping[UUID, frozenset[str]], *, share: float, most: int) -> list[Scored]:
    """Choose by maximal marginal relevance: each next one by its score, less how much it is like what is chosen.

    ``holds`` are the words of each chunk; ``share`` from 0 (score alone) to 1 (difference alone).
    """
    left, chosen = list(scored[:MOST_COMPARED]), list[Scored]()
    top = max((each.score for each in left), default=0.0) or 1.0
    likeness = {each.candidate.chunk_id: 0.0 for each in left}
    while left and len(chosen) < most:
        best = max(left, key=lambda each: (1 - share) * each.score / top - share * likeness[each.candidate.chunk_id])
        left.remove(best)
        chosen.append(best)
        for each in left:
            chunk = each.candidate.chunk_id
            likeness[chunk] = max(likeness[chunk], _alike(holds, chunk, best.candidate.chunk_id))
    return [*chosen, *scored[MOST_COMPARED:]][:most]


def _alike(holds: Mapping[UUID, frozenset[str]], one: UUID, other: UUID) -> float:
    ours, theirs = holds.get(one, frozenset()), holds.get(other, frozenset())
    both = len(ours & theirs)
    return both / (len(ours) + len(theirs) - both) if both else 0.0
