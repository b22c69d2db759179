# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Looks closely at what is found for a question: how each passage was found, and why nothing was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from accounts.actor import Actor
from rag.engine.highlighting import Stretch, highlighted
from rag.engine.passages import Filters, Passage
from rag.models import KnowledgeBase
from rag.operations.retrieval import Asked, Retrieved, retrieve
from rag.queries.knowledge_bases import BaseFigures, figures_of

LEGS = ("lexical", "vector", "symbol", "recency", "rerank")
_LEAST_WIDTH = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """What one way of finding said of a passage; ``width`` in percent of the best it said of any."""

    name: str
    rank: int
    score: float
    width: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage at its place; ``before`` is the place it had under another setting, None where it had none."""

    rank: int
    passage: Passage
    stretches: Sequence[Stretch]
    bars: Sequence[Bar]
    before: int | None = None

    @property
    def moved(self) -> int:
        """By how many places it is further up than before."""
        return (self.before or self.rank) - self.rank

    @property
    def fallen(self) -> int:
        """By how many places it is further down than before."""
        return -self.moved


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was found, looked at closely; ``why_nothing`` is a word for it where nothing was."""

    retrieved: Retrieved
    rows: Sequence[Shown]
    why_nothing: str = ""

    def against(self, other: "Inspected") -> "Inspected":
        """Return the same with the place that each passage has in another answer."""
        before: Mapping[UUID, int] = {row.passage.chunk_id: row.rank for row in other.rows}
        return replace(self, rows=[replace(row, before=before.get(row.passage.chunk_id)) for row in self.rows])


def inspect(actor: Actor, base: KnowledgeBase, asked: Asked) -> Inspected:
    """Ask a knowledge base, and look closely at the answer. Raises as retrieving does."""
    found = retrieve(actor, asked, knowledge=[base.pk])
    passages = found.found.passages
    why = "" if passages else why_nothing(figures_of(actor, base), asked.filters, mode=asked.mode)
    return Inspected(found, shown(passages, asked.text), why)


def shown(passages: Sequence[Passage], question: str) -> list[Shown]:
    """Return passages with their bars and what to mark in them."""
    best = {name: max((each.legs[name].score for each in passages if name in each.legs), default=0.0) for name in LEGS}
    return [
        Shown(rank, each, highlighted(each.text, question), _bars(each, best)) for rank, each in enumerate(passages, 1)
    ]


def why_nothing(figures: BaseFigures, filters: Filters, *, mode: str | None) -> str:
    """Return a word for why nothing was found."""
    if not figures.documents:
        return "empty"
    if not figures.ready:
        return "reading" if figures.waiting else "unreadable"
    if filters != Filters():
        return "filtered"
    return "words" if mode == "exact" else "far"


def _bars(passage: Passage, best: Mapping[str, float]) -> list[Bar]:
    legs = [(name, passage.legs[name]) for name in LEGS if name in passage.legs]
    return [Bar(name, leg.rank, leg.score, _width(leg.score, best[name])) for name, leg in legs]


def _width(score: float, best: float) -> int:
    share = score / best if best > 0 else 0.0
    return min(100, max(_LEAST_WIDTH, round(share * 100)))
