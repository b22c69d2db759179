# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of `bin/manage vault export` and `import`: nobody else's, whole or not there."""

import base64
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.core.management.base import CommandError

from codexos.kernel.sealing import new_key
from codexos.keys import openness_of, parse_key, weakness_of
from vault.crypto.bundle import BundleHeader, read_bundle, read_header


def read_key(path: Path) -> bytes:
    """Return the key in a file. Raises CommandError; nothing of the key is repeated."""
    try:
        openness, key = openness_of(path), parse_key(path.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The key cannot be read from {path}: {error}.") from None
    if openness:
        raise CommandError(f"The key in {path} is open to others: {openness}. Run: chmod 400 {path}")
    if key is None or weakness_of(key):
        raise CommandError(f"{path} holds no key of 32 random bytes in base64 or hex.")
    return key


def make_key(path: Path | None) -> tuple[bytes, str]:
    """Return a fresh key, and its text where it is not written to a file. Raises CommandError."""
    key = new_key()
    text = base64.b64encode(key).decode()
    if path is None:
        return key, text
    write_private(path, [text.encode(), b"\n"])
    return key, ""


def write_private(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that only its owner reads, whole or not at all. Raises CommandError, also where there is one."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if path.exists():
            raise CommandError(f"{path} is there already. Name another file.")
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def header_of(path: Path) -> BundleHeader:
    """Return what a file says of itself. Raises CommandError, BundleBroken."""
    try:
        with path.open("rb") as file:
            return read_header(file.read)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def records_of(path: Path, key: bytes) -> Iterator[bytes]:
    """Yield the records of a file. Raises BundleBroken."""
    with path.open("rb") as file:
        yield from read_bundle(key, file.read)
