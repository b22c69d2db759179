# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reads PDFs in processes of their own (rag/adapters/pdf_text.py), which may break, hang or swell without harm."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from rag.adapters import pdf_text
from rag.adapters.incoming import clear_storage_errors, incoming_folder
from rag.engine.pages import clean_pages, is_blank
from rag.errors import PdfReaderBroken, PdfReaderBusy, PdfUnreadable

_MEBIBYTE = 1024 * 1024
_PIECE_BYTES = 64 * 1024
_MOST_AT_ONCE = 2
_turns = threading.BoundedSemaphore(_MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """How much one PDF may ask for."""

    file_bytes: int = 64 * _MEBIBYTE
    pages: int = 2_000
    text_bytes: int = 8 * _MEBIBYTE
    memory_bytes: int = 512 * _MEBIBYTE
    cpu_seconds: int = 20
    seconds: float = 40.0
    turn_seconds: float = 20.0


PDF_LIMITS = PdfLimits()


def read_pages(content: Iterable[bytes], *, path: str, limits: PdfLimits = PDF_LIMITS) -> str:
    """Return the text of a PDF's pages, parted by form feeds.

    Raises PdfUnreadable, PdfReaderBusy, PdfReaderBroken, StorageFull, and what reading ``content`` raises.
    """
    with _turn(limits), _spooled(content, path=path, limits=limits) as file:
        output, code = _run(file, path=path, limits=limits)
    if code:
        raise _trouble(code, path=path, limits=limits)
    pages = clean_pages(output.decode("utf-8", "replace"))
    if is_blank(pages):
        raise PdfUnreadable(
            path,
            reason="empty",
            because="there is no text in it; it may be a scan, which holds pictures of text",
            advice="Recognize its text (OCR) and store the result, or name a text file.",
        )
    return pages


@contextmanager
def _turn(limits: PdfLimits) -> Iterator[None]:
    # Each may take half a gigabyte: a few at once are enough, the others wait.
    if not _turns.acquire(timeout=limits.turn_seconds):
        raise PdfReaderBusy(because="other PDFs are being read")
    try:
        yield
    finally:
        _turns.release()


@contextmanager
def _spooled(content: Iterable[bytes], *, path: str, limits: PdfLimits) -> Iterator[IO[bytes]]:
    # A file without a name rather than a pipe: a reader that does not read then holds nobody up.
    size = 0
    with _unnamed_file() as file:
        for piece in content:
            size += len(piece)
            if size > limits.file_bytes:
                raise _too_large(path, limits)
            with clear_storage_errors():
                file.write(piece)
        with clear_storage_errors():
            file.seek(0)
        yield file


def _unnamed_file() -> IO[bytes]:
    with clear_storage_errors():
        return tempfile.TemporaryFile(dir=incoming_folder())


def _run(file: IO[bytes], *, path: str, limits: PdfLimits) -> tuple[bytes, int]:
    until = time.monotonic() + limits.seconds
    with subprocess.Popen(
        _command(limits),
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            output = _take(cast(IO[bytes], child.stdout), most=limits.text_bytes, until=until)
            return output, child.wait(timeout=max(0.0, until - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise _too_slow(path, limits) from None
        except _TooMuchOutput:
            raise _trouble(pdf_text.TOO_MUCH_TEXT, path=path, limits=limits) from None
        finally:
            if child.returncode is None:
                # Not waited for yet, so the number is still its own: the whole session ends.
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)


def _command(limits: PdfLimits) -> Sequence[str]:
    # Isolated: neither the environment nor the folder it stands in says what it imports.
    words = (limits.pages, limits.text_bytes, limits.memory_bytes, limits.cpu_seconds)
    return [sys.executable, "-IB", str(Path(pdf_text.__file__).resolve()), *map(str, words)]


class _TooMuchOutput(Exception):
    """The reader does not keep to what it was told."""


def _take(stream: IO[bytes], *, most: int, until: float) -> bytes:
    descriptor, size = stream.fileno(), 0
    pieces: list[bytes] = []
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError
        piece = os.read(descriptor, _PIECE_BYTES)
        if not piece:
            return b"".join(pieces)
        size += len(piece)
        if size > most:
            raise _TooMuchOutput
        pieces.append(piece)


def _trouble(code: int, *, path: str, limits: PdfLimits) -> PdfUnreadable | PdfReaderBroken:
    if code == -signal.SIGXCPU:
        return _too_slow(path, limits)
    if code < 0 or code == pdf_text.TOO_LITTLE_MEMORY:
        memory = limits.memory_bytes // _MEBIBYTE
        because = f"reading it failed or took more than {memory} MB of memory"
        advice = "Save it anew, as by printing it to PDF, or split it."
        return PdfUnreadable(path, reason="too_complex", because=because, advice=advice)
    told = {
        pdf_text.BROKEN: ("broken", "it is damaged or not whole", "Store it again, or save it anew."),
        pdf_text.ENCRYPTED: ("encrypted", "it is protected by a password", "Store a copy without one."),
        pdf_text.TOO_MANY_PAGES: ("too_many_pages", f"it has more than {limits.pages:,} pages", "Split it."),
        pdf_text.TOO_MUCH_TEXT: (
            "too_much_text",
            f"its text takes more than {limits.text_bytes:,} bytes",
            "Split it, or name a part of it.",
        ),
    }.get(code)
    if told is None:
        return PdfReaderBroken(code=code)
    reason, because, advice = told
    return PdfUnreadable(path, reason=reason, because=because, advice=advice)


def _too_slow(path: str, limits: PdfLimits) -> PdfUnreadable:
    because = f"reading it took more than {limits.cpu_seconds} seconds"
    return PdfUnreadable(path, reason="too_slow", because=because, advice="Save it anew, or split it.")


def _too_large(path: str, limits: PdfLimits) -> PdfUnreadable:
    because = f"it is larger than {limits.file_bytes:,} bytes"
    return PdfUnreadable(path, reason="too_large", because=because, advice="Split it, or take its pictures out.")
