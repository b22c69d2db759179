# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How lately something changed moves where it is found: a nudge, which never buries what fits better.

A passage's score is raised by a few hundredths at most, or by some more where the question itself asks what is new.
Nothing is ever lowered: a text that nobody had to touch for years may be the very one that is right.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rag.engine.history import HOT_DAYS, RecentChange

HALF_LIFE_DAYS = 30.0
NUDGE = 0.04
"""The most that a score is raised by, as a share of it."""
ASKED_NUDGE = 0.25
"""The same where the question asks what changed lately."""
HOT_COMMITS = 20
"""So many changes of late, and a path is as hot as can be."""

K = TypeVar("K")
_ASKS = re.compile(
    r"\b(?:recent(?:ly)?|latest|newest|last (?:change|commit|week|month|days?)|yesterday|this week"
    r"|just (?:changed|added)|who changed|changed by|what changed|what(?:'s| is) new"
    r"|neueste[rns]?|zuletzt|kürzlich|gestern|diese woche|wer hat .{0,60} geändert)\b",
    re.IGNORECASE,
)
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of the past of a passage. ``on_lines`` is the newest change to the very lines it has."""

    last: RecentChange
    commits: int
    on_lines: RecentChange | None = None


@dataclass(frozen=True, slots=True)
class Nudge:
    """How fresh a passage is, from 0 to 1, by how much that raises its score, and why in words."""

    freshness: float
    factor: float
    why: str


def asks_for_recent(question: str) -> bool:
    """Tell whether a question is about what changed lately."""
    return _ASKS.search(question) is not None


def freshness_of(known: Freshness, *, now: datetime) -> float:
    """Return how fresh something is, from 0 to 1: half of it is gone after a month, and often changed counts too."""
    # The lines themselves tell more than their file, in which something else may have changed.
    age = _days(known.on_lines.at, now) if known.on_lines else 2 * _days(known.last.at, now)
    fresh = float(0.5 ** (age / HALF_LIFE_DAYS))
    hot = min(known.commits, HOT_COMMITS) / HOT_COMMITS
    return min(1.0, 0.8 * fresh + 0.2 * hot)


def nudge(known: Freshness, *, now: datetime, is_asked: bool = False) -> Nudge:
    """Return by how much a passage's score is raised, and why."""
    freshness = freshness_of(known, now=now)
    most = ASKED_NUDGE if is_asked else NUDGE
    return Nudge(freshness, 1.0 + most * freshness, explain(known, now=now))


def nudged(
    scores: Sequence[tuple[K, float]], facts: Mapping[K, Freshness], *, now: datetime, is_asked: bool = False
) -> list[tuple[K, float]]:
    """Return scores raised by how fresh each is, best first. What nothing is known of keeps its score."""
    raised = [
        (key, score * nudge(facts[key], now=now, is_asked=is_asked).factor if key in facts and score > 0 else score)
        for key, score in scores
    ]
    return sorted(raised, key=lambda pair: -pair[1])


def explain(known: Freshness, *, now: datetime) -> str:
    """Return in words when something changed last, by whom and for what."""
    change = known.on_lines or known.last
    what = "these lines changed" if known.on_lines else "changed"
    by = f" by {change.author}" if change.author else ""
    subject = f": {change.subject}" if change.subject else ""
    often = f"; {known.commits} commits in {HOT_DAYS} days" if known.commits > 1 else ""
    return f"{what} {ago(change.at, now=now)}{by}{subject}{often}"


def ago(moment: datetime, *, now: datetime) -> str:
    """Return how long ago a moment was, in one unit: *2 days ago*."""
    days = int(_days(moment, now))
    if days < 1:
        return "today"
    for size, name in ((365, "year"), (30, "month"), (7, "week")):
        if days >= 2 * size or (size == 365 and days >= size):
            return _counted(days // size, name)
    return _counted(days, "day")


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'s' if number > 1 else ''} ago"


def _days(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds() / _DAY_SECONDS)
