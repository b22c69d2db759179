# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Bytes on their way in: written to a temporary file piece by piece, counted, hashed and looked at on the way."""

import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from rag.engine.media import MOST_HEAD_BYTES, TextSniffer, is_pdf, media_type
from rag.errors import FileTooLarge, StorageFull, StorageUnreachable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Received:
    """Content that is here whole, in a file of its own which is gone once the block is left."""

    place: Path
    sha256: str
    size: int
    media_type: str
    encoding: str


@contextmanager
def receive(chunks: Iterable[bytes], *, path: str, limit_bytes: int) -> Iterator[Received]:
    """Take everything in, never holding more than a piece. Raises FileTooLarge, StorageFull, StorageUnreachable."""
    with clear_storage_errors():
        descriptor, name = tempfile.mkstemp(dir=incoming_folder())
    try:
        yield _take_in(chunks, path=path, limit_bytes=limit_bytes, into=descriptor, place=Path(name))
    finally:
        os.close(descriptor)
        # The store may have moved it away, which is the cheapest way of keeping it.
        with suppress(FileNotFoundError):
            os.unlink(name)


@contextmanager
def clear_storage_errors() -> Iterator[None]:
    """Name what the file system complains of. Raises StorageFull, StorageUnreachable."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise StorageUnreachable(because=error.strerror or "the file system failed") from error


def _take_in(chunks: Iterable[bytes], *, path: str, limit_bytes: int, into: int, place: Path) -> Received:
    digest, sniffer, head, size = hashlib.sha256(), TextSniffer(), b"", 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit_bytes:
            raise FileTooLarge(path, limit_bytes=limit_bytes)
        digest.update(chunk)
        sniffer.feed(chunk)
        head = (head + chunk[:MOST_HEAD_BYTES])[:MOST_HEAD_BYTES]
        _write(into, chunk)
    # A PDF may be written in letters alone and is no text for that.
    encoding = "" if is_pdf(head) else sniffer.encoding(path)
    kind = media_type(path, head=head, encoding=encoding)
    return Received(place, digest.hexdigest(), size, kind, encoding)


def _write(descriptor: int, chunk: bytes) -> None:
    # Around the writing alone: what the sender's line does wrong is not the storage's fault.
    with clear_storage_errors():
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def sweep_incoming(*, older_than: timedelta) -> None:
    """Remove what uploads of dead processes left behind."""
    before = time.time() - older_than.total_seconds()
    for left in incoming_folder().iterdir():
        with suppress(FileNotFoundError):
            # A long upload still writes to its file, which keeps it young.
            if left.lstat().st_mtime < before:
                left.unlink()


def incoming_folder() -> Path:
    """Return where bytes lie that are not kept yet: beside the blobs, so that keeping some is a mere rename."""
    folder: Path = settings.BLOB_FOLDER / "incoming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
