# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeps a few programs that read documents started, so that a document waits for none to load."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rag.adapters.parsing import program
from rag.errors import ReaderBroken, ReaderBusy

_MOST_AT_ONCE = 2
_START_SECONDS = 30.0
_END_SECONDS = 10.0
_turns = threading.BoundedSemaphore(_MOST_AT_ONCE)
_idle: list["Reader"] = []


class Reader:
    """One program; it reads one document at a time."""

    def __init__(self) -> None:
        """Start it. Raises ReaderBroken."""
        self._control, theirs = socket.socketpair()
        self.owner = os.getpid()
        with theirs:
            self._child = subprocess.Popen(
                _command(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        self._control.settimeout(_START_SECONDS)
        with suppress(OSError):
            if self._control.recv(1) == program.READY:
                return
        self.close()
        raise ReaderBroken(because=f"it did not start, and ended with {self._child.returncode}")

    def begin(self, question: Mapping[str, Any], *, source: int, target: int) -> None:
        """Have a document read from one file to another. Raises OSError where the program has ended."""
        socket.send_fds(self._control, [json.dumps(question).encode()], [source, target])

    def end(self) -> int:
        """End what is being read, if it still is; return how it ended. Raises OSError."""
        self._control.settimeout(_END_SECONDS)
        self._control.sendall(program.END)
        told = b""
        while not told.endswith(b"\n"):
            piece = self._control.recv(64)
            if not piece:
                raise ConnectionResetError
            told += piece
        return int(told)

    def close(self) -> None:
        """End the program, and with it whatever it reads."""
        self._control.close()
        self._child.kill()
        self._child.wait()

    def let_go(self) -> None:
        """Forget a program that another process has started."""
        self._control.close()


def _command() -> list[str]:
    # Isolated: neither the environment nor the folder it stands in says what it imports.
    return [sys.executable, "-IB", str(Path(program.__file__).resolve())]


@contextmanager
def turn(*, seconds: float) -> Iterator[None]:
    """Wait for one of the places: each may take much memory. Raises ReaderBusy."""
    if not _turns.acquire(timeout=seconds):
        raise ReaderBusy
    try:
        yield
    finally:
        _turns.release()


def begun(question: Mapping[str, Any], *, source: int, target: int) -> Reader:
    """Return a program that has begun to read. Raises ReaderBroken."""
    while _idle:
        reader = _idle.pop()
        if reader.owner != os.getpid():
            reader.let_go()
            continue
        try:
            reader.begin(question, source=source, target=target)
        except OSError:
            # It has ended since, for want of work or otherwise.
            reader.close()
        else:
            return reader
    reader = Reader()
    try:
        reader.begin(question, source=source, target=target)
    except OSError as error:
        reader.close()
        raise ReaderBroken(because=str(error)) from None
    return reader


def done(reader: Reader) -> int:
    """End what a program reads, keep the program, and return how it ended. Raises ReaderBroken."""
    try:
        code = reader.end()
    except (OSError, ValueError) as error:
        reader.close()
        raise ReaderBroken(because=str(error) or "it ended") from None
    _idle.append(reader)
    return code


def close_all() -> None:
    """End the programs that wait."""
    while _idle:
        reader = _idle.pop()
        if reader.owner == os.getpid():
            reader.close()
        else:
            reader.let_go()
