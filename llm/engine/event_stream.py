# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The binary event streams of AWS: messages of headers and a payload, lengths and messages with their checksums."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

MOST_BYTES = 16 * 1024 * 1024
"""Of one message, as AWS bounds it."""
_PRELUDE, _CHECKSUM = 12, 4
# By the type of a header's value: how many bytes follow, where it is always as many.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TEXTS = frozenset({6, 7})


class FrameBroken(ValueError):
    """Bytes that are no event stream, or were changed on their way."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. Of its headers only the texts are kept: others carry nothing that is read here."""

    headers: Mapping[str, str]
    payload: bytes


class FrameReader:
    """Puts messages together from the pieces they come in."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def is_inside(self) -> bool:
        """Whether a message has begun that has not ended."""
        return bool(self._held)

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """Yield the messages that are whole now. Raises FrameBroken."""
        self._held += piece
        while len(self._held) >= _PRELUDE:
            size = self._size()
            if len(self._held) < size:
                return
            message = bytes(self._held[:size])
            del self._held[:size]
            yield _frame(message)

    def _size(self) -> int:
        prelude = bytes(self._held[:_PRELUDE])
        if crc32(prelude[:8]) != int.from_bytes(prelude[8:]):
            raise FrameBroken("the checksum of a length is wrong")
        size, headers = int.from_bytes(prelude[:4]), int.from_bytes(prelude[4:8])
        if size > MOST_BYTES or headers > size - _PRELUDE - _CHECKSUM:
            raise FrameBroken("a length is impossible")
        return size


def _frame(message: bytes) -> Frame:
    if crc32(message[:-_CHECKSUM]) != int.from_bytes(message[-_CHECKSUM:]):
        raise FrameBroken("the checksum of a message is wrong")
    end = _PRELUDE + int.from_bytes(message[4:8])
    return Frame(dict(_headers(message[_PRELUDE:end])), message[end:-_CHECKSUM])


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(data):
        name, at = _counted(data, at, width=1)
        kind = data[at] if at < len(data) else -1
        at += 1
        if kind in _TEXTS:
            value, at = _counted(data, at, width=2)
            yield name.decode(errors="replace"), value.decode(errors="replace")
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise FrameBroken("a header is of no known type")


def _counted(data: bytes, at: int, *, width: int) -> tuple[bytes, int]:
    start = at + width
    end = start + int.from_bytes(data[at:start])
    if start > len(data) or end > len(data):
        raise FrameBroken("a header ends behind its message")
    return data[start:end], end
