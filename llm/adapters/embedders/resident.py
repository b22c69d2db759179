# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The embedded model in a process that stays, for questions: whoever asks must not wait until it is loaded.

There is one for each process that must not load it itself. It is started by the first question, answers one after the
other (a question takes two milliseconds), and ends with its parent, or when nobody has asked for a quarter of an hour.
"""

import asyncio
import json
import os
import select
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from llm.adapters.embedders import apart_program

STAY = "--stay"
MOST_TEXTS = 8
MOST_CHARACTERS = 16_384
"""More than a few questions go to a process of their own, so that no question waits behind a library."""
MOST_SECONDS = 60.0
"""Who does not answer by then is ended: everybody else waits in line behind that question."""
_COMMAND = (sys.executable, "-IB", str(Path(apart_program.__file__).resolve()), STAY)


class Resident:
    """One such process, whether it runs just now or not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._process: Popen[bytes] | None = None
        # What a fork's parent has started is not its child's to speak to.
        os.register_at_fork(after_in_child=self._forget)

    async def embed(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return what the process says of the texts (see apart_program); {} where it ended, twice, or says nothing."""
        return await asyncio.to_thread(self._asked, list(texts))

    def _asked(self, texts: Sequence[str]) -> dict[str, Any]:
        with self._lock:
            for _ in range(2):
                try:
                    return self._ask(texts)
                except TimeoutError:
                    break
                except (OSError, ValueError):
                    self._end()
            self._end()
        return {}

    def _ask(self, texts: Sequence[str]) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self._process = Popen(_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/")
        process = self._process
        assert process.stdin is not None  # noqa: S101 - they are pipes, as was asked for
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps({"folder": str(self._folder), "texts": list(texts)}).encode() + b"\n")
        process.stdin.flush()
        answering = select.poll()
        answering.register(process.stdout, select.POLLIN)
        if not answering.poll(MOST_SECONDS * 1000):
            raise TimeoutError
        said: dict[str, Any] = json.loads(process.stdout.readline())
        return said

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            self._process = None

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._process = None


@cache
def resident(folder: Path) -> Resident:
    """Return this process's."""
    return Resident(folder)


def is_small(texts: Sequence[str]) -> bool:
    """Tell whether texts are few and short enough to be somebody's question."""
    return len(texts) <= MOST_TEXTS and sum(map(len, texts)) <= MOST_CHARACTERS
