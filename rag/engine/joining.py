# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Chunks that follow one another as one text again: what two of them share is told once."""

from collections.abc import Sequence

LONGEST_SHARED = 4_000
SHORTEST_SHARED = 12


def joined(texts: Sequence[str]) -> str:
    """Put texts together in their order."""
    whole = ""
    for text in texts:
        shared = _shared(whole, text)
        whole = whole + text[shared:] if shared else (f"{whole}\n{text}" if whole else text)
    return whole


def _shared(before: str, after: str) -> int:
    """Return how many characters the one ends with that the other begins with."""
    head = after[:SHORTEST_SHARED]
    if len(head) < SHORTEST_SHARED:
        return 0
    tail = before[-LONGEST_SHARED:]
    at = tail.find(head)
    while at >= 0:
        if after.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(head, at + 1)
    return 0
