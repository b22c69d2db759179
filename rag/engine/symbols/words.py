# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The words in a name: *getUserName*, *get_user_name* and *GET-USER-NAME* say the same."""

import re
from functools import lru_cache

MOST_WORDS = 12
LONGEST_WORD = 60

_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_A-Za-z]+")
_SHORTEST_STEM = 3


@lru_cache(maxsize=4_096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case, each as its stem and once."""
    found = (stem_of(part.lower()) for part in _PART.findall(name))
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for word in found if word))[:MOST_WORDS]


def key_of(name: str) -> str:
    """Return a name without what only spells it: *load_user*, *loadUser* and *LoadUser* have one key."""
    return re.sub(r"[\W_]+", "", name).lower()


def stem_of(word: str) -> str:
    """Return a word without a plural's ending. Nothing cleverer: names are no sentences."""
    if len(word) <= _SHORTEST_STEM or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word
