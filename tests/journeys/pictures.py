# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Makes a browser's PNG small enough for a repository: 256 colors are plenty for a page, and a third of the bytes."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

MOST_COLORS = 256
OFTEN = 176
_HEADER = ">IIBBBBB"


def with_palette(picture: bytes) -> bytes:
    """Return an RGB PNG with 256 of its colors; the few others take the nearest of them."""
    chunks = list(_chunks(picture))
    width, height, depth, kind, *_rest = struct.unpack(_HEADER, chunks[0][1])
    assert (depth, kind) == (8, 2), "the browser is expected to write 8-bit RGB"
    rows = list(_rows(zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT")), width * 3))
    pixels = [[row[place : place + 3] for place in range(0, len(row), 3)] for row in rows]
    numbers, palette = _palette(Counter(pixel for row in pixels for pixel in row))
    packed = zlib.compress(b"".join(b"\0" + bytes(numbers[pixel] for pixel in row) for row in pixels), 9)
    header = struct.pack(_HEADER, width, height, 8, 3, 0, 0, 0)
    whole = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", packed), (b"IEND", b""))
    return picture[:8] + b"".join(_written(name, data) for name, data in whole)


def _palette(seen: Counter[bytes]) -> tuple[dict[bytes, int], bytes]:
    kept = [color for color, _times in seen.most_common(OFTEN)]
    away = {color: min(_distance(color, other) for other in kept) for color in seen.keys() - set(kept)}
    while away and len(kept) < MOST_COLORS:
        kept.append(max(away, key=lambda color: away[color]))  # rare but unlike all others: the red of a failed run
        away = {color: min(far, _distance(color, kept[-1])) for color, far in away.items() if color != kept[-1]}
    numbers = {color: number for number, color in enumerate(kept)}
    for color in seen.keys() - numbers.keys():
        numbers[color] = min(range(len(kept)), key=lambda number: _distance(kept[number], color))
    return numbers, b"".join(kept)


def _distance(one: bytes, other: bytes) -> int:
    return sum((left - right) ** 2 for left, right in zip(one, other, strict=True))


def _rows(filtered: bytes, length: int) -> Iterator[bytes]:
    above = bytes(length)
    for place in range(0, len(filtered), length + 1):
        above = _unfiltered(filtered[place], filtered[place + 1 : place + 1 + length], above)
        yield above


def _unfiltered(way: int, row: bytes, above: bytes) -> bytes:
    if way == 0:
        return row
    if way == 2:
        return bytes((mine + up) & 255 for mine, up in zip(row, above, strict=True))
    made = bytearray(3)  # three bytes to the left of the first pixel, and as many above them
    above = bytes(3) + above
    for place, mine in enumerate(row, 3):
        left, up, corner = made[place - 3], above[place], above[place - 3]
        made.append((mine + (left, 0, (left + up) // 2, _nearest(left, up, corner))[way - 1]) & 255)
    return bytes(made[3:])


def _nearest(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(picture):
        (length,) = struct.unpack_from(">I", picture, place)
        yield picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
        place += length + 12


def _written(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
