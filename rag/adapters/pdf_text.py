# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The program that reads the text of one PDF: the PDF on stdin, its pages on stdout, parted by form feeds.

PDFium is native code and is fed by strangers, so it lives in a process of its own (rag/adapters/pdf_reader.py starts
it) which gives away all it can before it looks at a byte: memory, time, files, sockets, children, root.
The process is isolated Python without the app: this file imports the standard library and pypdfium2 alone.
"""

import codecs
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

BROKEN, ENCRYPTED, TOO_MANY_PAGES, TOO_MUCH_TEXT, TOO_LITTLE_MEMORY = range(10, 15)
"""How the program ends, but for 0: all was read."""
NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def main(words: Sequence[str]) -> int:
    """Read stdin, write stdout; the words say how much: pages, bytes of text, bytes of memory, seconds."""
    most_pages, most_bytes, memory_bytes, seconds = map(int, words)
    bind(memory_bytes=memory_bytes, seconds=seconds)
    try:
        # Only now, so that even loading the library is bounded.
        from pypdfium2 import PdfDocument, PdfiumError
        from pypdfium2.raw import FPDF_ERR_PASSWORD

        content = sys.stdin.buffer.read()
        shut_in()
        try:
            return _write_pages(PdfDocument(content), most_pages=most_pages, most_bytes=most_bytes)
        except PdfiumError as error:
            return ENCRYPTED if error.err_code == FPDF_ERR_PASSWORD else BROKEN
    except MemoryError:
        return TOO_LITTLE_MEMORY


def bind(*, memory_bytes: int, seconds: int) -> None:
    """Bound what this process may take: before anything else, so that even loading what it needs is bounded."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _limit(kind, most)


def shut_in() -> None:
    """Take away what only starting needed. What is open stays usable; nothing else can be opened any more."""
    # What PDFium's text is decoded by; Python would look for it in a file later.
    codecs.lookup("utf-16-le")
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # No new descriptor is no file, no socket and no library; no process is no shell.
    _limit(resource.RLIMIT_NOFILE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    # Linux alone; elsewhere the limits are what there is. Last, for changing who one is undoes the second.
    with suppress(AttributeError):
        change = ctypes.pythonapi.prctl
        change(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        change(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        change(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _limit(kind: int, most: int) -> None:
    # Where the installation allows still less, that stays.
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _write_pages(document, *, most_pages: int, most_bytes: int) -> int:  # type: ignore[no-untyped-def]
    if len(document) > most_pages:
        return TOO_MANY_PAGES
    write: Callable[[bytes], int] = sys.stdout.buffer.write
    for number in range(len(document)):
        page = document[number]
        read = page.get_textpage()
        text = read.get_text_bounded().replace("\f", "\n").encode("utf-8", "replace")
        most_bytes -= len(text) + 1
        if most_bytes < 0:
            return TOO_MUCH_TEXT
        write(b"\f" + text if number else text)
        read.close()
        page.close()
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    # Without Python's own tidying up: there is nothing to tidy, and a library gone wrong could get stuck in it.
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
