# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reads a document of any kind into blocks, as they come, in a process apart that may break without harm."""

import logging
import os
import select
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

from rag.adapters.incoming import clear_storage_errors, incoming_folder
from rag.adapters.parsing import crew, program, wire
from rag.adapters.parsing.reasons import REASONS, unreadable
from rag.engine.parsed import Block, Parsed
from rag.errors import ReaderBroken

_log = logging.getLogger(__name__)
_MEBIBYTE = 1024 * 1024
_PIECE_BYTES = 256 * 1024
_LONGEST_LINE = 8 * _MEBIBYTE
_LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may ask for. ``seconds`` count while something is awaited, ``text_bytes`` as it travels."""

    file_bytes: int = 256 * _MEBIBYTE
    text_bytes: int = 256 * _MEBIBYTE
    memory_bytes: int = 1024 * _MEBIBYTE
    pages: int = 5_000
    cpu_seconds: int = 120
    seconds: float = 180.0
    turn_seconds: float = 60.0


LIMITS = Limits()


@contextmanager
def reading(content: Iterable[bytes], *, path: str, media_type: str = "", limits: Limits = LIMITS) -> Iterator[Parsed]:
    """Have a document read. Its blocks come while it is, and what was not asked for is not read.

    ``media_type`` is what it was sent with, and asked only where neither content nor name says more. Raises
    DocumentUnreadable, here or with a block, ReaderBusy, ReaderBroken, StorageFull, and what ``content`` raises.
    """
    with crew.turn(seconds=limits.turn_seconds), _spooled(content, path=path, limits=limits) as file:
        answer = _Answer(_question(path, media_type, limits), file, path=path, limits=limits)
        try:
            yield answer.parsed()
        finally:
            with suppress(ReaderBroken):
                answer.finish()


def _question(path: str, media_type: str, limits: Limits) -> dict[str, Any]:
    return {
        "path": path[-_LONGEST_PATH:],
        "media_type": media_type[:100],
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": limits.cpu_seconds,
        "pages": limits.pages,
    }


@contextmanager
def _spooled(content: Iterable[bytes], *, path: str, limits: Limits) -> Iterator[IO[bytes]]:
    # A file without a name rather than a pipe: a reader maps it, and one that does not read holds nobody up.
    size = 0
    with clear_storage_errors():
        file = tempfile.TemporaryFile(dir=incoming_folder())  # noqa: SIM115
    with file:
        for piece in content:
            size += len(piece)
            if size > limits.file_bytes:
                raise unreadable(path, "too_large")
            with clear_storage_errors():
                file.write(piece)
        with clear_storage_errors():
            file.flush()
        yield file


class _Answer:
    """What a program tells of one document, line by line."""

    def __init__(self, question: dict[str, Any], file: IO[bytes], *, path: str, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._out, into = os.pipe()
        try:
            self._reader: crew.Reader | None = crew.begun(question, source=file.fileno(), target=into)
        except BaseException:
            os.close(self._out)
            raise
        finally:
            os.close(into)
        self._code = 0
        self._seconds, self._bytes = limits.seconds, limits.text_bytes
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._lines = self._split()

    def parsed(self) -> Parsed:
        """Return the document once its head is here. Raises DocumentUnreadable, ReaderBroken."""
        parts = self._next()
        try:
            return wire.parsed_from(parts, self._blocks())
        except wire.Garbled:
            raise unreadable(self._path, "too_complex") from None

    def finish(self) -> int:
        """End the reading, whether or not all was told; return how it ended. Raises ReaderBroken."""
        reader, self._reader = self._reader, None
        if reader is not None:
            os.close(self._out)
            self._code = crew.done(reader)
        return self._code

    def _blocks(self) -> Iterator[Block]:
        try:
            while (parts := self._next())[0] != wire.END:
                yield wire.block_from(parts)
        except wire.Garbled:
            raise unreadable(self._path, "too_complex") from None

    def _next(self) -> list[Any]:
        """Return the next line's parts; at the end they are those of an end without a reason."""
        line = next(self._lines, None)
        if line is None:
            raise self._trouble(self.finish())
        try:
            parts = wire.read_line(line)
            if parts[0] == wire.END:
                self._check_end(*wire.reason_from(parts))
        except wire.Garbled:
            raise unreadable(self._path, "too_complex") from None
        return parts

    def _check_end(self, reason: str, detail: str) -> None:
        if detail:
            _log.warning("A document could not be read: %r", detail)
        if reason:
            raise unreadable(self._path, reason if reason in REASONS else "broken")

    def _trouble(self, code: int) -> Exception:
        if code == -signal.SIGXCPU:
            return unreadable(self._path, "too_slow")
        if code == program.FAILED:
            return unreadable(self._path, "broken")
        return unreadable(self._path, "too_complex")

    def _split(self) -> Iterator[bytes]:
        held = bytearray()
        while piece := self._take():
            start = 0
            while (end := piece.find(b"\n", start)) >= 0:
                held += piece[start:end]
                yield bytes(held)
                held.clear()
                start = end + 1
            held += piece[start:]
            if len(held) > _LONGEST_LINE:
                raise unreadable(self._path, "too_complex")

    def _take(self) -> bytes:
        began = time.monotonic()
        if not self._poll.poll(max(0.0, self._seconds) * 1000):
            raise unreadable(self._path, "too_slow")
        self._seconds -= time.monotonic() - began
        piece = os.read(self._out, _PIECE_BYTES)
        self._bytes -= len(piece)
        if self._bytes < 0:
            raise unreadable(self._path, "too_much_text")
        return piece
