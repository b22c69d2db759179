# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How much a text is: in words, and in the units that embedders read, estimated without asking one.

An estimate, so that the same document is cut alike wherever and whenever that is done. Its figures are means over prose
and code of what the vocabulary of the embedded model makes of a run of letters by its length.
"""

import re
from functools import lru_cache

TENTHS = 10
"""Estimates are counted in tenths of a word piece, so that nothing is lost by adding many up."""

_RUNS = re.compile("[A-Za-z\u00c0-\u024f]+|[0-9]{1,3}|[^\\sA-Za-z0-9\u00c0-\u024f]")
_WORDS = re.compile("[a-z\u00df-\u024f]+")
_LONGEST = 200
# For texts that take more than most do.
_MARGIN = 1.05
# English and the names in code, by length from 0; beyond, what a run costs grows with its letters.
_KNOWN = (0, 10, 10, 11, 11, 12, 12, 13, 14, 18, 22, 23, 28, 31, 37)
# Languages that the vocabulary was not made for, German among them: it spells them out.
_FOREIGN = (0, 10, 10, 12, 17, 20, 23, 28, 32, 36, 40, 45)
_COMMON_WORDS = (
    "the of and to a in is that for it on with as are this be by or not from at an if can you was which have we all one"
    " return class function const var new true false null none self public private static void string int"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_FEWEST_TO_JUDGE = 12


def _table(known: tuple[int, ...], *, letter: float) -> tuple[int, ...]:
    return known + tuple(round(length * letter) for length in range(len(known), _LONGEST + 1))


_COSTS = _table(_KNOWN, letter=2.7)
_FOREIGN_COSTS = _table(_FOREIGN, letter=4.0)


def count_words(text: str) -> int:
    """Return how many words there are, as people count them: runs between blanks."""
    return len(text.split())


def cost_of(text: str, *, is_foreign: bool = False) -> int:
    """Return how many tenths of word pieces the text takes, about."""
    costs = _FOREIGN_COSTS if is_foreign else _COSTS
    cost = sum(costs[len(run)] if len(run) < _LONGEST else _long(run, costs) for run in _RUNS.findall(text))
    return round(cost * _MARGIN)


def _long(run: str, costs: tuple[int, ...]) -> int:
    return len(run) * costs[_LONGEST] // _LONGEST


def is_foreign(text: str) -> bool | None:
    """Tell whether prose is in a language that is spelled out rather than known by its words; None if too short."""
    words = _WORDS.findall(text[:4000].lower())
    if len(words) < _FEWEST_TO_JUDGE:
        return None
    return sum(word in _COMMON for word in words) * 8 < len(words)


def pieces_in(text: str) -> int:
    """Return how many word pieces a text takes, about."""
    return -(-cost_of(text, is_foreign=bool(is_foreign(text))) // TENTHS)


@lru_cache(maxsize=512)
def cost_of_context(context: str) -> int:
    """Return what a context takes: it is asked for many pieces in a row."""
    return cost_of(context)
