# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Putting texts of many callers into one call, and parting what it cost between them again."""

import hashlib
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from typing import TypeVar

from codexos.kernel.embeddings import BatchLimits

K = TypeVar("K")
T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4


def take_fairly(lines: MutableMapping[K, deque[T]], limits: BatchLimits, *, size_of: Callable[[T], int]) -> Sequence[T]:
    """Take the next batch out of the lines, one from each in turn; lines that have run dry are removed.

    Whoever has thousands waiting delays another's one text by a single batch. One that is larger than a batch may be
    goes alone.
    """
    batch: list[T] = []
    room = limits.characters
    while lines and len(batch) < limits.texts:
        name = next(iter(lines))
        size = size_of(lines[name][0])
        if batch and size > room:
            break
        line = lines.pop(name)
        batch.append(line.popleft())
        room -= size
        if line:
            # Behind the others: the next in turn is the line that has waited longest.
            lines[name] = line
    return batch


def shares(total: int, weights: Sequence[int]) -> Sequence[int]:
    """Part a whole number by weights: what comes out adds up to it exactly, and nobody is off by a whole one."""
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    rests = [total * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: (-rests[index], index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def estimated_tokens(text: str) -> int:
    """About how many tokens a text is, where nobody counts them."""
    return max(1, -(-len(text.encode("utf-8", "replace")) // CHARACTERS_PER_TOKEN))


def embedding_key(identity: str, text: str, *, purpose: str) -> bytes:
    """Return the name of a text's vector: the same for the same text, purpose and maker, and for nothing else."""
    parts = (identity.encode(), purpose.encode(), text.encode("utf-8", "surrogatepass"))
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
