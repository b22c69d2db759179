# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Packs atoms, as they come, into runs that are neither too long nor parted where they belong together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rag.engine.chunking.atoms import Atom, Seam
from rag.engine.chunking.context import context_of
from rag.engine.chunking.measures import cost_of_context

Run = list[Atom]
_LEAST_FILLED = 0.6
_TINY_WORDS = 12
_ABOUT = 1.2


@dataclass(frozen=True, slots=True)
class Room:
    """What fits: words, and tenths of word pieces with the context. Groups are joined up to ``joined`` words.

    ``is_even`` parts what is a little too long in the middle, rather than leave a little for the last.
    """

    words: int
    cost: int
    overlap: int = 0
    joined: int = 0
    least_filled: float = _LEAST_FILLED
    is_even: bool = False


def pack(atoms: Iterable[Atom], room: Room) -> Iterator[Run]:
    """Yield runs of atoms that fit in the room, in their order."""
    held: Run = []
    is_rest = False
    for part, is_last in _with_ends(_parts(atoms, room)):
        if held and _is_apart(held, part, room, is_rest=is_rest):
            at = len(held) if is_rest else _introduced_at(held, part, room)
            yield held[:at]
            held, is_rest = held[at:], False
        held = held + part
        while not _fits(held, room):
            at = _best_seam(held, room, is_whole=is_last and room.is_even)
            yield held[:at]
            is_rest = held[at].seam < Seam.INNER
            held = held[at - _again(held, at, room) :]
    if held:
        yield held


def _parts(atoms: Iterable[Atom], room: Room) -> Iterator[Run]:
    """Yield the atoms up to each strong seam together, and no more at once than about fill two runs."""
    part: Run = []
    words = cost = 0
    for atom in atoms:
        if part and (atom.seam >= Seam.INNER or words > room.words or cost > room.cost):
            yield part
            part, words, cost = [], 0, 0
        part.append(atom)
        words, cost = words + atom.words, cost + atom.cost
    if part:
        yield part


def _with_ends(parts: Iterator[Run]) -> Iterator[tuple[Run, bool]]:
    """Yield each part, and whether its group ends with it."""
    before: Run | None = None
    for part in parts:
        if before is not None:
            yield before, part[0].seam >= Seam.INNER
        before = part
    if before is not None:
        yield before, True


def _is_apart(held: Run, part: Run, room: Room, *, is_rest: bool) -> bool:
    seam = part[0].seam
    if seam < Seam.INNER:
        return False
    if seam == Seam.BREAK or is_rest:
        return True
    words = _words(held)
    # A few words lead over to what follows, but never out of what they are in.
    leads_over = words <= _TINY_WORDS and len(part[0].block.headings) >= len(held[0].block.headings)
    return not leads_over and words + _words(part) > room.joined


def _introduced_at(held: Run, part: Run, room: Room) -> int:
    """Return where in what is held the words begin that lead over to the next part, its end where none do."""
    if part[0].seam == Seam.INNER:
        for at in range(len(held) - 1, 0, -1):
            if held[at].seam >= Seam.GROUP:
                return at if _words(held[at:]) + _words(part) <= room.joined else len(held)
    return len(held)


def _fits(run: Run, room: Room) -> bool:
    if len(run) < 2:
        return True
    if sum(atom.words for atom in run) > room.words:
        return False
    return sum(atom.cost for atom in run) + cost_of_context(context_of(run)) <= room.cost


def _best_seam(run: Run, room: Room, *, is_whole: bool) -> int:
    """Return where to part a run that does not fit: at the strongest seam in its last part, the latest of equals."""
    most = _most_that_fit(run, room)
    if is_whole:
        most = _evenly(run, most)
    filled = sum(atom.words for atom in run[:most]) * room.least_filled
    best, words = most, 0
    for at in range(1, most + 1):
        words += run[at - 1].words
        seam = run[at].seam
        if (words >= filled or (seam >= Seam.INNER and words > _TINY_WORDS)) and seam >= run[best].seam:
            best = at
    return best


def _evenly(run: Run, most: int) -> int:
    """Return at which atom before ``most`` to end the first of as many runs as are needed, all about as long."""
    costs = list(accumulate(atom.cost for atom in run))
    runs = -(-costs[-1] // max(1, costs[most - 1]))
    goal = costs[-1] / runs * _ABOUT
    return max(1, min(most, sum(cost <= goal for cost in costs)))


def _most_that_fit(run: Run, room: Room) -> int:
    cost = cost_of_context(context_of(run[:1]))
    words = 0
    for number, atom in enumerate(run):
        words, cost = words + atom.words, cost + atom.cost
        if number and (words > room.words or cost > room.cost):
            return number
    # Only the context of all of them together is too long.
    return len(run) - 1


def _again(run: Run, at: int, room: Room) -> int:
    """Return how many atoms before a seam begin the next run as well: those it would be hard to read without."""
    if not room.overlap or run[at].seam >= Seam.INNER:
        return 0
    most = min(room.overlap, _words(run[:at]) // 3)
    words = number = 0
    while number < at - 1:
        atom = run[at - 1 - number]
        words += atom.words
        if words > most:
            break
        number += 1
        if atom.seam >= Seam.INNER:
            break
    return number


def _words(run: Sequence[Atom]) -> int:
    return sum(atom.words for atom in run)
