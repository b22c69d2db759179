# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a piece is told to be under, and where it stands, from the atoms it is made of."""

import re
from collections.abc import Sequence

from rag.engine.chunking.atoms import Atom
from rag.engine.passages import Place

BETWEEN = " > "
_LONGEST_HEADING = 160
_LONGEST_CONTEXT = 320
_ROWS = re.compile(r"(.*!)(\d+)(?::(\d+))?")
_STEP = re.compile(r"\.|(?=\[)")


def context_of(run: Sequence[Atom]) -> str:
    """Return what all the atoms are under, less what the first of them says itself."""
    headings = _shared(run)
    if run[0].shows_heading and len(headings) == len(run[0].block.headings):
        headings = headings[:-1]
    return _short([heading[:_LONGEST_HEADING] for heading in headings])


def _shared(run: Sequence[Atom]) -> tuple[str, ...]:
    shared = run[0].block.headings
    for atom in run:
        headings = atom.block.headings
        if headings is not shared and headings[: len(shared)] != shared:
            same = 0
            while same < min(len(shared), len(headings)) and shared[same] == headings[same]:
                same += 1
            shared = shared[:same]
    return shared


def _short(headings: list[str]) -> str:
    # The outermost and the innermost say most.
    while len(headings) > 1 and len(BETWEEN.join(headings)) > _LONGEST_CONTEXT:
        del headings[len(headings) // 2]
    return BETWEEN.join(headings)


def place_of(run: Sequence[Atom]) -> Place:
    """Return where the atoms stand, from the first to the last; on several pages, on the first of them."""
    first = run[0].block.place
    here = [atom for atom in run if atom.block.place.page == first.page]
    ends = [atom.lines for atom in here if atom.lines]
    lines = (min(start for start, _ in ends), max(end for _, end in ends)) if ends else None
    path = _shared_path(first.path, run[-1].block.place.path)
    return Place(page=first.page, lines=lines, path=path, section=first.section)


def _shared_path(first: str | None, last: str | None) -> str | None:
    if first == last or not first or not last:
        return first
    one, other = _ROWS.fullmatch(first), _ROWS.fullmatch(last)
    if one and other and one[1] == other[1]:
        return f"{one[1]}{one[2]}:{other[3] or other[2]}"
    return _path_above(first, last) if first.startswith("$") and last.startswith("$") else first


def _path_above(first: str, last: str) -> str:
    same, at = 0, 0
    while at < min(len(first), len(last)) and first[at] == last[at]:
        at += 1
        if at in (len(first), len(last)) or (first[at] in ".[" and last[at] in ".["):
            same = at
    return first[: max(same, 1)]
