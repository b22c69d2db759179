# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions and what is found for them: where a chunk stands, what is asked, a passage, and its citation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

MOST_PASSAGES = 100
LONGEST_QUESTION = 8000


@dataclass(frozen=True, slots=True)
class Place:
    """A page (from 1), lines (from 1, both included; on a page, the page's own), a path inside, a section's name.

    A path is what the kind of document knows: ``$.users[3]`` in JSON, ``#install`` in HTML, ``Prices!2:40`` in a sheet.
    """

    page: int | None = None
    lines: tuple[int, int] | None = None
    path: str | None = None
    section: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is known, by name."""
        named = {"page": self.page, "lines": self.lines and list(self.lines), "path": self.path}
        return {name: value for name, value in {**named, "section": self.section}.items() if value is not None}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Place":
        """Return the place that ``as_json`` wrote down."""
        lines = kept.get("lines")
        pair = (int(lines[0]), int(lines[1])) if lines else None
        return cls(page=kept.get("page"), lines=pair, path=kept.get("path"), section=kept.get("section"))


class Mode(StrEnum):
    """What leads to passages: words and meaning, words alone, or meaning alone."""

    HYBRID = "hybrid"
    EXACT = "exact"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents a question is about; what is empty keeps none out.

    ``path`` is a pattern (``src/**/*.py``); ``tags`` must all be had; ``commit`` asks what stood there then. ``since``
    and ``until`` bound when a document changed last.
    """

    source_type: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    path: str = ""
    language: tuple[str, ...] = ()
    commit: str = ""
    since: datetime | None = None
    until: datetime | None = None
    source: UUID | None = None
    document: UUID | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how passages for it are to be chosen.

    ``mmr`` (0 to 1) trades nearness for variety: at 0 it is off. ``neighbors`` asks for so many chunks around each
    passage. None of ``rerank`` and ``temporal`` leaves it to the base's settings.
    """

    text: str
    top_k: int = 10
    filters: Filters = field(default_factory=Filters)
    mode: Mode = Mode.HYBRID
    rerank: bool | None = None
    mmr: float = 0.0
    neighbors: int = 0
    temporal: bool | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a passage stands: exactly enough to go there, and to see that it still says the same."""

    path: str
    page: int | None = None
    lines: tuple[int, int] | None = None
    commit: str = ""
    sha256: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent: every field is there, null where it does not apply."""
        lines = list(self.lines) if self.lines else None
        return {
            "path": self.path,
            "page": self.page,
            "lines": lines,
            "commit": self.commit or None,
            "sha256": self.sha256 or None,
        }


@dataclass(frozen=True, slots=True)
class Leg:
    """What one way of finding said of a passage: the place it had there, from 1, its score, and why, where it knows."""

    rank: int
    score: float
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent."""
        said = {"rank": self.rank, "score": round(self.score, 6)}
        return {**said, "why": self.why} if self.why else said


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk found for a question. ``legs`` tells how: by name (lexical, vector, symbol, recency, rerank)."""

    chunk_id: UUID
    document_id: UUID
    title: str
    text: str
    context: str
    score: float
    source_type: str
    citation: Citation
    legs: Mapping[str, Leg] = field(default_factory=dict)
    base_id: UUID | None = None
    ordinal: int = 0

    @property
    def full_text(self) -> str:
        """The text with the context it stands in, as it was embedded."""
        return f"{self.context}\n\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question, best first. ``notes`` say what could not be done, such as a reranker away."""

    passages: tuple[Passage, ...] = ()
    considered: int = 0
    notes: tuple[str, ...] = ()
