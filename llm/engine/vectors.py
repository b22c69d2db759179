# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Vectors as they are read from an answer, brought to the length one, and written down in half precision."""

import math
import struct
from array import array
from collections.abc import Sequence

from codexos.kernel.embeddings import Vector

MOST_DIMENSIONS = 8_192


class VectorUnreadable(ValueError):
    """What should be a vector is none."""


def unit(numbers: Sequence[float]) -> Vector:
    """Return the direction of these numbers, in half precision. Raises VectorUnreadable.

    A vector is rounded before anybody sees it, so it is the same fresh and out of the cache.
    """
    if not 0 < len(numbers) <= MOST_DIMENSIONS:
        raise VectorUnreadable(f"a vector has {len(numbers)} dimensions")
    try:
        length = math.hypot(*numbers)
    except (TypeError, OverflowError):
        raise VectorUnreadable("a vector holds something else than numbers") from None
    if not math.isfinite(length) or length == 0:
        raise VectorUnreadable("a vector has no direction")
    return unpacked(struct.pack(f"<{len(numbers)}e", *(number / length for number in numbers)))


def packed(vector: Vector) -> bytes:
    """Write a vector of length one in half precision: two bytes a dimension."""
    return struct.pack(f"<{len(vector)}e", *vector)


def unpacked(content: bytes) -> Vector:
    """Read what ``packed`` wrote."""
    return array("f", struct.unpack(f"<{len(content) // 2}e", content))
