# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How much one entry may hold: more would choke the journal and everyone who watches it."""

from collections.abc import Mapping, Sequence

from agents.engine.journal import encode_data
from codexos.kernel.jsontypes import JsonObject, JsonValue

MAX_RESULT_BYTES = 4_000_000
MAX_RESULT_NESTING = 100


def is_too_large(data: JsonObject) -> bool:
    """Whether an entry's data is too long or too deep to be written, sent and read back everywhere."""
    return written_if_fit(data) is None


def written_if_fit(data: JsonObject) -> bytes | None:
    """Write an entry's data; None where it is too large."""
    try:
        written = encode_data(data)
    except RecursionError:
        return None
    if len(written) > MAX_RESULT_BYTES:
        return None
    # Most results hold too few brackets to be deep at all: they are not walked.
    brackets = written.count(b"[") + written.count(b"{")
    is_deep = brackets > MAX_RESULT_NESTING and nests_deeper(data, MAX_RESULT_NESTING)
    return None if is_deep else written


def nests_deeper(value: JsonValue, levels: int) -> bool:
    """Whether anything stands deeper in a value than ``levels``, the value itself being the first."""
    waiting: list[tuple[JsonValue, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > levels:
            return True
        if isinstance(part, Mapping):
            waiting.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, Sequence) and not isinstance(part, str):
            waiting.extend((inner, depth + 1) for inner in part)
    return False
