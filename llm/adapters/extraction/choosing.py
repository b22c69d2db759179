# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Choosing one of several names for a text: by the words they share, else by likeness of meaning."""

from collections import Counter
from collections.abc import Callable, Sequence

from codexos.kernel.embeddings import Vector, similarity
from codexos.kernel.prose import words
from llm.adapters.quoting import is_telling

Embed = Callable[[Sequence[str]], Sequence[Vector]]
"""Makes vectors in this very thread. The same texts give the same vectors, so a choice is the same every time."""
READ_CHARACTERS = 4_000
MOST_CHOICES = 200


def choose(text: str, names: Sequence[str], *, about: str = "", embed: Embed | None = None) -> int | None:
    """Return which of the names fits a text best; None where nothing speaks for any. ``about`` says of what they are.

    A name that stands in the text in so many words is meant; only where none or several do, likeness decides.
    """
    spoken = [set(words(name)) for name in names]
    said = Counter(words(text[:READ_CHARACTERS]))
    named = [sum(said[word] for word in each) if each and each <= said.keys() else 0 for each in spoken]
    if (best := max(named, default=0)) and named.count(best) == 1:
        return named.index(best)
    if embed is not None and 1 < len(names) <= MOST_CHOICES and text.strip():
        return _nearest(text, names, about=about, embed=embed)
    return named.index(best) if best else _most_shared(said, spoken)


def _nearest(text: str, names: Sequence[str], *, about: str, embed: Embed) -> int:
    asked = [f"{about}: {_spelled(name)}" if about else _spelled(name) for name in names]
    mine, *theirs = embed([text[:READ_CHARACTERS], *asked])
    near = [similarity(mine, each) for each in theirs]
    return near.index(max(near))


def _spelled(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _most_shared(said: Counter[str], spoken: Sequence[set[str]]) -> int | None:
    """By telling words they share, else by beginnings of words: billing is near to bills."""
    counts = [sum(said[word] for word in each if is_telling(word)) for each in spoken]
    if not any(counts):
        roots = Counter({word[:4]: count for word, count in said.items() if len(word) >= 4 and is_telling(word)})
        counts = [sum(roots[word[:4]] for word in each if len(word) >= 4) for each in spoken]
    best = max(counts, default=0)
    return counts.index(best) if best else None
