# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a key must be before it is taken from the environment: 32 bytes of chance, in a file that is nobody else's."""

import base64
import binascii
import hashlib
import stat
from itertools import pairwise
from pathlib import Path

KEY_BYTES = 32
LEAST_DISTINCT_BYTES = 16
"""Of 32 random bytes about 30 differ; that fewer than this do happens to no key drawn by chance."""

# Whoever has no key at hand hashes the first word that comes to mind.
_PLACEHOLDERS = ("", "0", "1", "test", "secret", "password", "changeme", "key", "master", "codexos", "vault", "example")
# Others may do nothing with it, and the group may not write it: its being read by a group is how pods are given one.
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP


def parse_key(text: str) -> bytes | None:
    """Return the 32 bytes that ``text`` spells in hex or base64, or None."""
    raw = _hex(text) or _base64(text)
    return raw if raw is not None and len(raw) == KEY_BYTES else None


def weakness_of(key: bytes) -> str | None:
    """Return why somebody could guess ``key``, or None where it looks drawn by chance."""
    if len(set(key)) < LEAST_DISTINCT_BYTES or key[: len(key) // 2] == key[len(key) // 2 :]:
        return "it repeats itself"
    if len({(after - before) % 256 for before, after in pairwise(key)}) == 1:
        return "it only counts"
    if all(0x20 <= byte < 0x7F for byte in key):
        return "it is text that somebody typed"
    if key in _hashes_of_placeholders():
        return "it is the hash of a well-known word"
    return None


def openness_of(path: Path) -> str | None:
    """Return who else has the file of a key, or None where it is private. Raises OSError."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"its mode is {mode:04o}, so that others may read or change it" if mode & _TOO_OPEN else None


def _hashes_of_placeholders() -> set[bytes]:
    return {hashlib.sha256(word.encode()).digest() for word in _PLACEHOLDERS}


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else None
    except ValueError:
        return None


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
