# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A file that secrets travel in: a header in the clear, and records sealed under a key of the file's own.

Each record is AES-256-GCM, bound to the header, to its position, and to whether it is the last one. So a file that was
cut off, put in another order, mixed with another one or added to does not open, and neither does one whose header was
changed. A key may be used for several files: each file's records are sealed under a key derived for it.
"""

import json
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from secrets import token_hex

from codexos.kernel.sealing import SealBroken, associate, derive_key, open_sealed, seal
from vault.errors import BundleBroken

MAGIC = b"CodexOS vault, sealed\n"
VERSION = 1
MOST_HEADER_BYTES = 4096
MOST_RECORD_BYTES = 1_048_576
_LENGTH = struct.Struct(">I")
_ID_DIGITS = 32

Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class BundleHeader:
    """What is said of a file in the clear: whose it is, how many records it was to have, and its id."""

    organization: str
    count: int
    made_at: str
    file: str
    version: int = VERSION

    @classmethod
    def fresh(cls, organization: str, *, count: int, made_at: str) -> "BundleHeader":
        """Return the header of a new file."""
        return cls(organization, count, made_at, token_hex(_ID_DIGITS // 2))


def write_bundle(key: bytes, header: BundleHeader, records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a file piece by piece. Raises BundleBroken for a record that is too long, or where their number is off."""
    clear = json.dumps(asdict(header), ensure_ascii=False, sort_keys=True).encode()
    if len(clear) > MOST_HEADER_BYTES:
        raise BundleBroken("its header is too long")
    file_key = _file_key(key, header)
    yield MAGIC + _LENGTH.pack(len(clear)) + clear
    position = 0
    for position, record in enumerate(records, start=1):
        if len(record) > MOST_RECORD_BYTES:
            raise BundleBroken(f"record {position} is too long")
        yield _framed(seal(file_key, record, associated=_about(clear, position, is_last=False)))
    if position != header.count:
        raise BundleBroken(f"it was to have {header.count} records and has {position}")
    yield _framed(seal(file_key, b"", associated=_about(clear, position + 1, is_last=True)))


def read_header(read: Read) -> BundleHeader:
    """Return what a file says of itself, not believed yet: the first record proves it. Raises BundleBroken."""
    return _header_of(_clear_header(read))


def read_bundle(key: bytes, read: Read) -> Iterator[bytes]:
    """Yield the records of a file from its beginning; each is proven, and the last thing proven is that all were there.

    Raises BundleBroken.
    """
    clear = _clear_header(read)
    header = _header_of(clear)
    file_key = _file_key(key, header)
    for position in range(1, header.count + 1):
        yield _opened(file_key, read, _about(clear, position, is_last=False), position=position)
    _opened(file_key, read, _about(clear, header.count + 1, is_last=True), position=header.count + 1)
    if read(1):
        raise BundleBroken("something was added behind its end")


def _opened(file_key: bytes, read: Read, about: bytes, *, position: int) -> bytes:
    (length,) = _LENGTH.unpack(_exactly(read, _LENGTH.size))
    if length > MOST_RECORD_BYTES + 64:
        raise BundleBroken(f"record {position} is too long")
    try:
        return open_sealed(file_key, _exactly(read, length), associated=about)
    except SealBroken:
        raise BundleBroken(f"record {position} does not open: another key, or it was altered or moved") from None


def _clear_header(read: Read) -> bytes:
    if _exactly(read, len(MAGIC)) != MAGIC:
        raise BundleBroken("it does not begin like one")
    (length,) = _LENGTH.unpack(_exactly(read, _LENGTH.size))
    if length > MOST_HEADER_BYTES:
        raise BundleBroken("its header is too long")
    return _exactly(read, length)


def _header_of(clear: bytes) -> BundleHeader:
    try:
        header = BundleHeader(**json.loads(clear))
    except (ValueError, TypeError):
        raise BundleBroken("its header cannot be read") from None
    if header.version != VERSION:
        raise BundleBroken(f"it has version {header.version!r}; this CodexOS reads version {VERSION}")
    texts = (header.organization, header.made_at, header.file)
    is_good = isinstance(header.count, int) and header.count >= 0 and all(isinstance(text, str) for text in texts)
    if not is_good or len(header.file) != _ID_DIGITS:
        raise BundleBroken("its header cannot be read")
    return header


def _exactly(read: Read, length: int) -> bytes:
    piece = read(length)
    if len(piece) != length:
        raise BundleBroken("it was cut off")
    return piece


def _framed(sealed: bytes) -> bytes:
    return _LENGTH.pack(len(sealed)) + sealed


def _file_key(key: bytes, header: BundleHeader) -> bytes:
    return derive_key(key, purpose=f"vault/bundle/{header.file}")


def _about(clear: bytes, position: int, *, is_last: bool) -> bytes:
    return associate("vault/bundle", clear, position.to_bytes(8, "big"), b"last" if is_last else b"more")
