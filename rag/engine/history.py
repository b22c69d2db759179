# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a path came to be what it is: its newest changes, by whom, and where their lines stand by now."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from rag.engine.ports import Hunk, PastChange

MOST_RECENT = 30
MOST_AUTHORS = 20
MOST_HUNKS = 40
LONGEST_AUTHOR = 254
LONGEST_SUBJECT = 300


@dataclass(frozen=True, slots=True)
class RecentChange:
    """A change whose lines are told as they stand now: what came after it has moved them, or taken them away."""

    commit: str
    at: datetime
    author: str
    subject: str
    lines: tuple[tuple[int, int], ...] = ()

    def touches(self, first: int, last: int) -> bool:
        """Tell whether any of these lines (both included) is left of it."""
        return any(start <= last and first <= end for start, end in self.lines)


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a path: its newest changes, newest first, how often it was changed, and by whom."""

    recent: tuple[RecentChange, ...]
    commits: int = 1
    authors: Mapping[str, int] = field(default_factory=dict)

    @property
    def last(self) -> RecentChange:
        """The newest change."""
        return self.recent[0]

    def count_since(self, moment: datetime) -> int:
        """Return how many of the newest changes came after a moment."""
        return sum(change.at >= moment for change in self.recent)

    def last_on(self, first: int, last: int) -> RecentChange | None:
        """Return the newest change that wrote any of these lines, if one is remembered."""
        return next((change for change in self.recent if change.touches(first, last)), None)


def add_change(history: History | None, change: PastChange) -> History:
    """Return a path's history with one change more, newer than all that are in it. One that is there is not twice."""
    new = RecentChange(
        change.commit,
        change.at,
        change.author[:LONGEST_AUTHOR],
        change.subject[:LONGEST_SUBJECT],
        _written(change.hunks),
    )
    if history is None:
        return History((new,), 1, {new.author: 1})
    if any(old.commit == new.commit for old in history.recent):
        return history
    moved = tuple(replace(old, lines=_moved(old.lines, change.hunks)) for old in history.recent)
    authors = Counter(history.authors)
    authors[new.author] += 1
    return History((new, *moved)[:MOST_RECENT], history.commits + 1, dict(authors.most_common(MOST_AUTHORS)))


def _written(hunks: Iterable[Hunk]) -> tuple[tuple[int, int], ...]:
    return tuple((hunk.line, hunk.line + hunk.count - 1) for hunk in hunks if hunk.count)[:MOST_HUNKS]


def _moved(lines: Iterable[tuple[int, int]], hunks: tuple[Hunk, ...]) -> tuple[tuple[int, int], ...]:
    """Return where lines stand after a change; what the change replaced is no longer theirs."""
    parts = list(lines)
    for hunk in reversed(hunks):
        parts = [moved for part in parts for moved in _past(part, hunk)]
    return tuple(parts[:MOST_HUNKS])


def _past(part: tuple[int, int], hunk: Hunk) -> list[tuple[int, int]]:
    first, last = part
    grown = hunk.count - hunk.was_count
    # Where nothing was replaced, "was" is the line above what came.
    begin = hunk.was if hunk.was_count else hunk.was + 1
    end = begin + hunk.was_count - 1
    left = [(first, min(last, begin - 1))] if first < begin else []
    right = [(max(first, end + 1) + grown, last + grown)] if last > end else []
    return [*left, *right]


def as_json(change: RecentChange) -> dict[str, Any]:
    """Return a change as it is kept."""
    lines = [list(pair) for pair in change.lines]
    named = {"commit": change.commit, "at": change.at.isoformat(), "author": change.author}
    return {**named, "subject": change.subject, "lines": lines}


def from_json(kept: Mapping[str, Any]) -> RecentChange:
    """Return the change that ``as_json`` wrote down."""
    lines = tuple((int(first), int(last)) for first, last in kept.get("lines", ()))
    at = datetime.fromisoformat(kept["at"])
    return RecentChange(kept["commit"], at, kept["author"], kept["subject"], lines)


HOT_DAYS = 90


def hot_since(now: datetime) -> datetime:
    """Return the moment after which changes make a path a hot one."""
    return now - timedelta(days=HOT_DAYS)
