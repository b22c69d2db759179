# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Progress on a terminal: one line a step, with the seconds it took. Standard library only."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

TITLE_WIDTH = 13
HEARTBEAT_SECONDS = 15.0


def say(text: str = "", *, stream: TextIO | None = None) -> None:
    """Write one line and show it at once, also through a pipe. A reader that went away is no reason to stop."""
    target = sys.stdout if stream is None else stream
    try:
        target.write(f"{text}\n")
        target.flush()
    except (BrokenPipeError, ValueError, OSError):
        return


class Step:
    """One line of progress. ``note`` changes what it says while it runs; the last note is what stays."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._note = ""
        self._began = time.monotonic()
        self._finished = threading.Event()
        self._painter = threading.Thread(target=self._paint, daemon=True)

    def note(self, text: str) -> None:
        """Say what is happening now."""
        self._note = text

    def start(self) -> None:
        """Begin to show the line."""
        self._painter.start()

    def finish(self, *, is_good: bool = True) -> None:
        """Leave the line standing with its seconds."""
        self._finished.set()
        self._painter.join()
        if sys.stdout.isatty():
            sys.stdout.write("\r\x1b[K")
        say(self._line(mark=" " if is_good else "!"))

    def _line(self, *, mark: str) -> str:
        seconds = time.monotonic() - self._began
        elapsed = f"{seconds:.1f} s" if seconds >= 0.05 else ""
        return f" {mark} {self._title:<{TITLE_WIDTH}} {self._note:<58} {elapsed:>8}".rstrip()

    def _paint(self) -> None:
        if sys.stdout.isatty():
            while not self._finished.wait(0.2):
                sys.stdout.write(f"\r\x1b[K{self._line(mark='…')}")
                sys.stdout.flush()
            return
        while not self._finished.wait(HEARTBEAT_SECONDS):
            say(self._line(mark="…"))


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show ``title`` while the block runs and how long it took afterwards."""
    shown = Step(title)
    shown.start()
    try:
        yield shown
    except BaseException:
        shown.finish(is_good=False)
        raise
    shown.finish()
