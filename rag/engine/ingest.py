# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What of a source is new, changed, the same or gone. Pure: what is listed and what is known go in.

Nothing is taken as gone lightly. A list is only a sight of its source: a disk that was not mounted, a half answer. So
what is missing once stays, and goes when it is missing again some time later; and a source that suddenly shows next to
nothing is believed only when a person says so. What the source itself says was removed is gone at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import blake2b
from itertools import islice
from typing import TypeVar

from rag.engine.ports import Entry

SIGHTINGS = 2
"""How often a document must be missing before it is gone."""
APART = timedelta(minutes=1)
"""How far apart these lie at least: looks in quick succession see the same trouble."""
FEW = 10
SHOWN_AT_LEAST = 0.1
"""A source of more than a few documents that shows less than this share of them has something wrong with it."""
FIRST_REST = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=10)
MOST_RESTS = 12
"""So often in a row something outside may fail: for about an hour and a half."""
MOST_TRIES = 3
"""So often a document may take its worker along before it is left alone."""

T = TypeVar("T")


class Verdict(Enum):
    """What an entry of a list is, compared with what is known."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Known:
    """A document that was listed before. ``is_removed`` where it was gone meanwhile."""

    mark: str
    is_removed: bool = False
    is_skipped: bool = False


def judge(entry: Entry, known: Known | None) -> Verdict:
    """Say what an entry is. One without a mark has to be read, so it counts as changed."""
    if entry.skipped:
        return Verdict.UNCHANGED if known is not None and known.is_skipped else Verdict.SKIPPED
    if known is None:
        return Verdict.NEW
    is_same = bool(entry.mark) and entry.mark == known.mark
    return Verdict.UNCHANGED if is_same and not known.is_removed and not known.is_skipped else Verdict.CHANGED


@dataclass(frozen=True, slots=True)
class Missing:
    """A document that a list did not show: since when, and how often before."""

    since: datetime | None
    sightings: int


def is_gone(missing: Missing, *, at: datetime, apart: timedelta = APART) -> bool:
    """Tell whether a document that is missing again now is gone."""
    return missing.since is not None and missing.sightings + 1 >= SIGHTINGS and at - missing.since >= apart


def is_suspicious(*, shown: int, known: int) -> bool:
    """Tell whether a whole list shows so little of what is known that nothing is concluded from it."""
    if shown == 0:
        return known > 0
    return known > FEW and shown < known * SHOWN_AT_LEAST


def rest_after(rests: int) -> timedelta | None:
    """Return for how long to rest after so many failures in a row; None where it is time to give up."""
    if rests > MOST_RESTS:
        return None
    return min(FIRST_REST * (1 << min(rests - 1, 20)), LONGEST_REST)


def batches(things: Iterable[T], *, of: int) -> Iterator[list[T]]:
    """Yield things some at a time, never holding more."""
    left = iter(things)
    while some := list(islice(left, of)):
        yield some


class Seen:
    """Which paths a list has shown, in less than a hundred bytes each: a million of them can be remembered."""

    def __init__(self) -> None:
        self._digests: set[int] = set()

    def add(self, paths: Iterable[str]) -> None:
        """Remember them."""
        self._digests.update(map(_digest, paths))

    def __contains__(self, path: str) -> bool:
        return _digest(path) in self._digests

    def __len__(self) -> int:
        return len(self._digests)


def _digest(path: str) -> int:
    return int.from_bytes(blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def moves(entries: Iterable[Entry], *, known: Mapping[str, object]) -> Iterator[tuple[str, Entry]]:
    """Yield which documents have another path now: the path before, and the entry. Never onto one that is taken."""
    taken = set(known)
    for entry in entries:
        if entry.moved_from in taken and entry.path not in taken:
            taken.remove(entry.moved_from)
            taken.add(entry.path)
            yield entry.moved_from, entry
