# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Blobs in a folder: a subfolder per organization, two levels of fan-out, one file of mode 0600 each.

Every step from the folder down is opened relative to the one before and never through a symbolic link, so a link
planted inside leads nowhere. A file appears under its name whole or not at all.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from rag.adapters.incoming import clear_storage_errors
from rag.engine.ports import BlobKey
from rag.errors import BlobMissing

_PIECE_BYTES = 256 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class DiskBlobs:
    """Keeps the BlobStore port by the file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, key: BlobKey, source: Path) -> None:
        """See the port. The source is moved, so it must lie on the same file system."""
        with clear_storage_errors(), self._open_folder(key, make=True) as folder:
            if _is_file(key.sha256, folder=folder):
                return
            _flush(source)
            os.rename(source, key.sha256, dst_dir_fd=folder)
            os.fsync(folder)

    def read(self, key: BlobKey, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        try:
            with self._open_folder(key) as folder:
                descriptor = os.open(key.sha256, _FILE, dir_fd=folder)
        except OSError as error:
            raise BlobMissing(sha256=key.sha256, because=f"cannot be opened: {error.strerror}") from error
        # A file object rather than its number: nobody may ever read on, and then it is closed when forgotten.
        return _pieces(os.fdopen(descriptor, "rb", buffering=0), start=start, length=length)

    def remove(self, key: BlobKey) -> None:
        """See the port."""
        with clear_storage_errors(), suppress(FileNotFoundError), self._open_folder(key) as folder:
            os.unlink(key.sha256, dir_fd=folder)

    @contextmanager
    def _open_folder(self, key: BlobKey, *, make: bool = False) -> Iterator[int]:
        if make:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for name in (str(key.organization_id), key.sha256[:2], key.sha256[2:4]):
                outer, descriptor = descriptor, _step(name, folder=descriptor, make=make)
                os.close(outer)
            yield descriptor
        finally:
            os.close(descriptor)


def _step(name: str, *, folder: int, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, mode=0o700, dir_fd=folder)
            os.fsync(folder)
    return os.open(name, _FOLDER, dir_fd=folder)


def _is_file(name: str, *, folder: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _flush(source: Path) -> None:
    descriptor = os.open(source, _FILE)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(file: FileIO, *, start: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            piece = file.read(_PIECE_BYTES if left is None else min(_PIECE_BYTES, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece
