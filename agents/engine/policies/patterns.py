# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Patterns of policies: words in which ``*`` stands for anything, hosts in which ``*.`` stands for names under one."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from codexos.kernel.egress import split_host

Test = Callable[[str], bool]

_MOST_KEPT = 512

ANY_HOST = "*"
"""As a pattern every host; as the host of a call one that is not known before it is made."""


def word_test(patterns: Sequence[str]) -> Test:
    """Return whether a word in lower case fits one of ``patterns``, however those are written."""
    if "*" in patterns:
        return _anything
    plain = plain_words(each for each in patterns if "*" not in each)
    globs = tuple(tuple(each.casefold().split("*")) for each in patterns if "*" in each)

    @lru_cache(maxsize=_MOST_KEPT)
    def test(word: str) -> bool:
        return word in plain or any(_fits(word, parts) for parts in globs)

    return test


def plain_words(words: Iterable[str]) -> frozenset[str]:
    """Return words as they are compared."""
    return frozenset(each.casefold() for each in words)


def host_test(patterns: Sequence[str], *, doubt: bool) -> Test:
    """Return whether a host of a call fits one of ``patterns``: names, ``*.name`` for those under it, ``:port`` or not.

    A host that is not known before the call is made, and a port that is not, fit as ``doubt`` says: an ask or a deny
    takes the worse for given, an allow does not.
    """
    if ANY_HOST in patterns:
        return _anything
    split = [split_host(each.lower()) for each in patterns]
    names = [pair for pair in split if not pair[0].startswith("*.")]
    ends = [(name[1:], port) for name, port in split if name.startswith("*.")]

    @lru_cache(maxsize=_MOST_KEPT)
    def test(host: str) -> bool:
        if host == ANY_HOST:
            return doubt
        asked, at = split_host(host)
        found = [port for name, port in names if name == asked] + [port for end, port in ends if asked.endswith(end)]
        return any(port is None or port == at or (at is None and doubt) for port in found)

    return test


def _anything(_word: str) -> bool:
    return True


def covers(test: Test, words: Iterable[str]) -> bool:
    """Tell whether there are words and the test lets all of them through."""
    some = False
    for word in words:
        if not test(word):
            return False
        some = True
    return some


def meets(test: Test, words: Iterable[str]) -> bool:
    """Tell whether the test lets any of the words through."""
    return any(map(test, words))


def _fits(word: str, parts: Sequence[str]) -> bool:
    """Match what stands between the stars from left to right, in time that grows with the word alone."""
    first, *middle, last = parts
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    at, end = len(first), len(word) - len(last)
    for part in middle:
        found = word.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
