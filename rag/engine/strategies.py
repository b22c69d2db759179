# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""By which size an index is searched how: every chunk of a small one, through graphs and lists of a large one."""

LARGE_FROM = 8_000
"""Live chunks from which on indexes in the database's sense are built. Below, comparing all is exact and as fast."""
SMALL_BELOW = 5_000
"""Fewer than that, and they are let go again. The space between keeps an index that breathes from being rebuilt."""
DRIFT = 0.2
"""By this share the number of chunks may change before terms are counted anew."""
MOST_DIMENSIONS = 4_000
"""Of a vector in a graph of neighbors."""


def is_large(chunks: int, *, was_large: bool) -> bool:
    """Tell whether an index of so many chunks is to be searched as a large one."""
    return chunks >= (SMALL_BELOW if was_large else LARGE_FROM)


def has_drifted(chunks: int, *, counted: int) -> bool:
    """Tell whether what was counted is too far from what is."""
    return abs(chunks - counted) > DRIFT * max(counted, 1)


def index_names(index_id: str) -> tuple[str, str]:
    """Return how the two indexes of an index are called in the database: of nearness, of words."""
    short = index_id.replace("-", "")
    return f"rag_near_{short}", f"rag_words_{short}"
