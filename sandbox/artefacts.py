# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a job left in /out, read after everything in the slot has ended: regular files only, never through a link."""

import hashlib
import json
import os
import stat
import struct
from collections.abc import Iterator

DEEPEST = 16
PART = 65536
HEAD = struct.Struct(">BI")


def send(folder: int, to: int, *, most: int, most_bytes: int) -> None:
    """Write every file beneath the open folder as frames: ``F`` says its name and size, ``D`` carries it.

    ``S`` in the end says what was left out and why. Runs in a process that may do no more than the job could.
    """
    left_out: list[tuple[str, str]] = []
    count, spent = 0, 0
    for name, descriptor, size in _files(folder, left_out):
        with os.fdopen(descriptor, "rb") as file:
            if count == most or spent + size > most_bytes:
                left_out.append((name, "too many" if count == most else "too large"))
                continue
            content = file.read(size)
        count, spent = count + 1, spent + len(content)
        _send_file(to, name, content)
    _send(to, "S", json.dumps(left_out[:100]).encode())


def _send_file(to: int, name: str, content: bytes) -> None:
    told = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _send(to, "F", json.dumps(told).encode())
    for begin in range(0, len(content), PART):
        _send(to, "D", content[begin : begin + PART])


def _send(to: int, kind: str, payload: bytes) -> None:
    whole = memoryview(HEAD.pack(ord(kind), len(payload)) + payload)
    while whole:
        whole = whole[os.write(to, whole) :]


def _files(folder: int, left_out: list[tuple[str, str]], before: str = "") -> Iterator[tuple[str, int, int]]:
    """Give the open descriptor of each file, in the order of names; who takes it closes it."""
    if before.count("/") > DEEPEST:
        left_out.append((before, "too deep"))
        return
    for name in sorted(os.listdir(folder))[:10_000]:
        shown = _shown(before + name)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=folder)
        except OSError as error:
            left_out.append((shown, "a link" if error.errno == 40 else "not readable"))
            continue
        yield from _of(descriptor, name=before + name, shown=shown, left_out=left_out)


def _of(descriptor: int, *, name: str, shown: str, left_out: list[tuple[str, str]]) -> Iterator[tuple[str, int, int]]:
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        yield shown, descriptor, found.st_size
        return
    try:
        if stat.S_ISDIR(found.st_mode):
            yield from _files(descriptor, left_out, f"{name}/")
        else:
            left_out.append((shown, "no regular file"))
    finally:
        os.close(descriptor)


def _shown(name: str) -> str:
    """Return a name that can be written down, whatever its bytes are."""
    return "".join(each if each.isprintable() else "?" for each in name.encode("utf-8", "replace").decode())[:512]
