# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""English words without their endings, by the rules Martin Porter published in 1980; other words stay as they are."""

from functools import lru_cache
from itertools import pairwise

SHORTEST = 3
_VOWELS = frozenset("aeiou")
_SECOND = (
    ("ational", "ate"), ("ization", "ize"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"),
    ("tional", "tion"), ("biliti", "ble"), ("entli", "ent"), ("ousli", "ous"), ("ation", "ate"), ("alism", "al"),
    ("aliti", "al"), ("iviti", "ive"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("alli", "al"),
    ("ator", "ate"), ("logi", "log"), ("bli", "ble"), ("eli", "e"),
)  # fmt: skip
_THIRD = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ness", ""), ("ful", ""),
)  # fmt: skip
_FOURTH = (
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "ion",
    "al", "er", "ic", "ou",
)  # fmt: skip


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return a lowercase word without its ending: *connections* and *connecting* are *connect*."""
    if len(word) < SHORTEST or not (word.isascii() and word.isalpha()):
        return word
    for step in (_plural, _past, _y_to_i, _long_endings, _last_ending, _final_e):
        word = step(word)
    return word


def _is_consonant(word: str, at: int) -> bool:
    if word[at] == "y":
        return at == 0 or not _is_consonant(word, at - 1)
    return word[at] not in _VOWELS


def _measure(word: str) -> int:
    """Count how often a vowel is followed by a consonant."""
    kinds = [_is_consonant(word, at) for at in range(len(word))]
    return sum(now and not before for before, now in pairwise(kinds))


def _has_vowel(word: str) -> bool:
    return not all(_is_consonant(word, at) for at in range(len(word)))


def _is_short(word: str) -> bool:
    """Tell whether it ends consonant, vowel, consonant, as *hop* does."""
    if len(word) < SHORTEST or word[-1] in "wxy":
        return False
    last = len(word) - 1
    return _is_consonant(word, last) and not _is_consonant(word, last - 1) and _is_consonant(word, last - 2)


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    ending = next((each for each in ("ed", "ing") if word.endswith(each)), "")
    rest = word.removesuffix(ending)
    return _mended(rest) if ending and _has_vowel(rest) else word


def _mended(word: str) -> str:
    """Put right what taking an ending away has broken: *hopp* is *hop*, *hop* of *hoping* is *hope*."""
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if len(word) > 1 and word[-1] == word[-2] and _is_consonant(word, len(word) - 1):
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _is_short(word) else word


def _y_to_i(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _has_vowel(word[:-1]) else word


def _long_endings(word: str) -> str:
    for endings in (_SECOND, _THIRD):
        for ending, instead in endings:
            if word.endswith(ending):
                rest = word.removesuffix(ending)
                word = rest + instead if _measure(rest) else word
                break
    return word


def _last_ending(word: str) -> str:
    ending = next((each for each in _FOURTH if word.endswith(each)), "")
    rest = word.removesuffix(ending)
    if not ending or _measure(rest) < 2 or (ending == "ion" and not rest.endswith(("s", "t"))):
        return word
    return rest


def _final_e(word: str) -> str:
    if word.endswith("e"):
        rest = word[:-1]
        if _measure(rest) > 1 or (_measure(rest) == 1 and not _is_short(rest)):
            word = rest
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word
