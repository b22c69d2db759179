# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reads the symbols of code by parsers in a process of their own (rag/adapters/grammar_program.py).

One such process serves this one, file after file. It may break, hang or swell without harm: it is then ended, the file
is read without symbols and says why, and the next file gets a new process.
"""

import codecs
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from rag.adapters import grammar_program
from rag.engine.symbols.captures import CAPTURE_NAMES, Capture, Match
from rag.engine.symbols.facts import Reading
from rag.engine.symbols.grammar import Grammar
from rag.engine.symbols.languages import GRAMMARS, grammar_of
from rag.engine.symbols.reading import read_symbols

_MEBIBYTE = 1024 * 1024
_PIECE_BYTES = 256 * 1024
_LONGEST_HEAD = 20_000
_CAPTURE_NUMBERS = 6


@dataclass(frozen=True, slots=True)
class GrammarLimits:
    """How much one file may ask for, and after how many a process is followed by a new one."""

    file_bytes: int = 2 * _MEBIBYTE
    line_bytes: int = 64 * 1024
    matches: int = 60_000
    memory_bytes: int = 1024 * _MEBIBYTE
    seconds: float = 10.0
    start_seconds: float = 20.0
    files: int = 5_000


GRAMMAR_LIMITS = GrammarLimits()

log = logging.getLogger(__name__)


class _Lost(Exception):
    """The process did not answer, or ended. The words say which."""


class SymbolReader:
    """Reads files of code, one at a time."""

    def __init__(self, limits: GrammarLimits = GRAMMAR_LIMITS) -> None:
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._served = 0
        self._turn = threading.Lock()

    def read(self, path: str, content: bytes) -> Reading | None:
        """Return what the file says, or None where it is no code. Never raises for what stands in the file."""
        grammar = grammar_of(path, content[:_LONGEST_HEAD])
        if grammar is None:
            return None
        source = _as_utf8(content)
        if reason := self._reason_against(source):
            return Reading(grammar.name, reason=reason)
        with self._turn:
            try:
                status, numbers = self._ask(grammar, source)
            except _Lost as lost:
                self.close()
                return Reading(grammar.name, reason=str(lost))
        cut = "too_many_symbols" if status == grammar_program.CUT else ""
        try:
            return read_symbols(source, list(_matches(numbers)), grammar=grammar, path=path, reason=cut)
        except Exception:
            # Our mistake, over a file that somebody else wrote: nothing else is to wait for its being mended.
            log.exception("The symbols of %r cannot be made out", path)
            return Reading(grammar.name, reason="unreadable")

    def close(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        if child.poll() is None:
            # Not waited for yet, so the number is still its own: the whole session ends.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        for stream in (child.stdin, child.stdout):
            with suppress(OSError, AttributeError):
                cast(IO[bytes], stream).close()
        child.wait()

    def _reason_against(self, source: bytes) -> str:
        if len(source) > self._limits.file_bytes:
            return "too_large"
        if b"\x00" in source:
            return "binary"
        # Made by a machine, and for one: nobody asks where in such a line something is.
        return "generated" if _longest_line(source) > self._limits.line_bytes else ""

    def _ask(self, grammar: Grammar, source: bytes) -> "tuple[int, array[int]]":
        if self._served >= self._limits.files or self._owner != os.getpid():
            self.close()
        if self._child is None:
            self._start()
        self._served += 1
        answer = self._exchange(grammar.name.encode() + b"\n" + source, seconds=self._limits.seconds)
        numbers = array("I")
        numbers.frombytes(answer[1:])
        return answer[0], numbers

    def _start(self) -> None:
        words = (self._limits.memory_bytes, self._limits.matches)
        self._child = subprocess.Popen(
            # Isolated: neither the environment nor the folder it stands in says what it imports.
            [sys.executable, "-IB", str(Path(grammar_program.__file__).resolve()), *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        self._owner, self._served = os.getpid(), 0
        os.set_blocking(cast(IO[bytes], self._child.stdin).fileno(), False)
        setup = {"names": CAPTURE_NAMES, "queries": {grammar.name: grammar.query for grammar in GRAMMARS}}
        self._exchange(json.dumps(setup).encode(), seconds=self._limits.start_seconds)

    def _exchange(self, frame: bytes, *, seconds: float) -> bytes:
        child = cast("subprocess.Popen[bytes]", self._child)
        until = time.monotonic() + seconds
        try:
            _put(cast(IO[bytes], child.stdin).fileno(), grammar_program.LENGTH.pack(len(frame)) + frame, until=until)
            answer = cast(IO[bytes], child.stdout).fileno()
            (size,) = grammar_program.LENGTH.unpack(_get(answer, grammar_program.LENGTH.size, until=until))
            return _get(answer, size, until=until)
        except TimeoutError:
            raise _Lost("too_slow") from None
        except OSError:
            raise _Lost("too_complex") from None


def _put(descriptor: int, content: bytes, *, until: float) -> None:
    rest = memoryview(content)
    while rest:
        _await(descriptor, select.POLLOUT, until=until)
        rest = rest[os.write(descriptor, rest[:_PIECE_BYTES]) :]


def _get(descriptor: int, size: int, *, until: float) -> bytes:
    pieces: list[bytes] = []
    while size:
        _await(descriptor, select.POLLIN, until=until)
        piece = os.read(descriptor, min(size, _PIECE_BYTES))
        if not piece:
            raise BrokenPipeError
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _await(descriptor: int, event: int, *, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError


def _matches(numbers: "array[int]") -> Iterator[Match]:
    at = 0
    while at < len(numbers):
        count = numbers[at]
        captures: list[Capture] = []
        for place in range(at + 1, at + 1 + count * _CAPTURE_NUMBERS, _CAPTURE_NUMBERS):
            name, start, end, first, last, body = numbers[place : place + _CAPTURE_NUMBERS]
            captures.append(Capture(CAPTURE_NAMES[name], start, end, first, last, body))
        yield captures
        at += 1 + count * _CAPTURE_NUMBERS


def _as_utf8(content: bytes) -> bytes:
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace").encode()
    return content


def _longest_line(source: bytes) -> int:
    return max(map(len, source.split(b"\n")))


SYMBOL_READER = SymbolReader()
"""The reader of this process. A forked worker gets a process of its own with its first file."""
