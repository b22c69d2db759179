# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Marks what of a text a question asked for, by the same terms it is found by."""

import re
from dataclasses import dataclass

from rag.engine.terms import question_terms, terms_of

_SPLIT = re.compile(r"(\w+)")
_BEFORE = 160


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of text, marked or not."""

    text: str
    is_marked: bool


def highlighted(text: str, question: str, *, most: int = 700) -> list[Stretch]:
    """Return at most so many characters of a text from a little before its first hit, its hits marked."""
    wanted = frozenset(question_terms(question))
    words = [(part, _is_hit(part, wanted)) for part in _SPLIT.split(text)]
    first = _length_before(words)
    start = max(0, first - _BEFORE) if len(text) > most else 0
    stretches = _joined(_clipped(words, start=start, end=start + most))
    lead = [Stretch("… ", is_marked=False)] if start else []
    trail = [Stretch(" …", is_marked=False)] if start + most < len(text) else []
    return [*lead, *stretches, *trail]


def _is_hit(part: str, wanted: frozenset[str]) -> bool:
    return part[:1].isalnum() and any(term.text in wanted for term in terms_of(part))


def _length_before(words: list[tuple[str, bool]]) -> int:
    length = 0
    for part, is_hit in words:
        if is_hit:
            return length
        length += len(part)
    return 0


def _clipped(words: list[tuple[str, bool]], *, start: int, end: int) -> list[tuple[str, bool]]:
    kept, place = [], 0
    for part, is_hit in words:
        if inside := part[max(0, start - place) : max(0, end - place)]:
            kept.append((inside, is_hit))
        place += len(part)
    return kept


def _joined(words: list[tuple[str, bool]]) -> list[Stretch]:
    made: list[Stretch] = []
    for part, is_hit in words:
        if made and made[-1].is_marked == is_hit:
            made[-1] = Stretch(made[-1].text + part, is_hit)
        else:
            made.append(Stretch(part, is_hit))
    return made
