# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Evaluates Rego: each text in a process of its own (rego_program.py), kept while it is used.

A text that takes too long or too much ends its own process and nothing else. It is started again a few times; then it
rests, and what it should decide is denied at once, so that nobody else's runs wait for it.
"""

import asyncio
import atexit
import hashlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from agents.adapters import rego_program
from agents.engine.errors import PolicyInvalid, Problem
from agents.engine.policies.errors import RegoFailed, RegoNotAtHand
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue

PLACE = "$.rego.source"
_MEBIBYTE = 1024 * 1024
_LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class RegoLimits:
    """How much one text may take. ``seconds`` are the processor's, ``wait_seconds`` the clock's, for the worst case.

    Both are short, for whoever asks waits: a worker with everybody's runs.
    """

    memory_bytes: int = 256 * _MEBIBYTE
    seconds: float = 0.03
    wait_seconds: float = 0.75
    compiling_seconds: float = 5.0
    answer_bytes: int = 64 * 1024
    most_failures: int = 3
    rest_seconds: float = 60.0


REGO_LIMITS = RegoLimits()
MOST_KEPT = 12
"""How many texts have a process at a time; each takes about 30 MB."""


MOST_ANSWERS_KEPT = 1_000


class RegoText:
    """One text, compiled. Safe to be asked from several threads; each waits for the one before."""

    def __init__(self, source: str, *, limits: RegoLimits = REGO_LIMITS) -> None:
        self._source = source
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._rests_until = 0.0
        # Neither the clock nor chance can be asked, so the same question has the same answer.
        self._answers: dict[bytes, JsonValue] = {}

    def start(self) -> None:
        """Compile it, where that is not done. Raises PolicyInvalid with places in it, RegoNotAtHand, RegoFailed."""
        with self._lock:
            self._start()

    def evaluate(self, input: str) -> JsonValue:
        """See the port. Raises RegoFailed, RegoNotAtHand, PolicyInvalid."""
        asked = hashlib.sha256(input.encode()).digest()
        if asked in self._answers:
            return self._answers[asked]
        if not self._lock.acquire(timeout=self._limits.wait_seconds):
            raise RegoFailed(because="it is still being compiled or asked")
        try:
            if time.monotonic() < self._rests_until:
                raise RegoFailed(because="it failed several times and rests for a while")
            self._start()
            said = self._ask(input, within=self._limits.wait_seconds)
        finally:
            self._lock.release()
        if "error" in said:
            raise RegoFailed(because=str(said["error"])[:300])
        self._failures = 0
        if len(self._answers) >= MOST_ANSWERS_KEPT:
            self._answers.clear()
        self._answers[asked] = said.get("decision")
        return said.get("decision")

    @property
    def is_running(self) -> bool:
        """Whether it is compiled, so that a question is answered in no time; also while it rests, and is refused."""
        process = self._process
        return (process is not None and process.poll() is None) or time.monotonic() < self._rests_until

    async def make_ready(self) -> None:
        """See the port: compiling takes longer than others on a loop may wait."""
        if not self.is_running:
            # Where it cannot be started the gate denies, and says why.
            with suppress(CodexosError):
                await asyncio.to_thread(self.start)

    def stop(self) -> None:
        """End its process; the next question starts another."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        self._process = subprocess.Popen(
            _command(self._limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
        said = self._ask(json.dumps(self._source), within=self._limits.compiling_seconds)
        if "errors" in said:
            self._stop()
            raise PolicyInvalid([_problem(each, self._source) for each in cast(Sequence[Any], said["errors"])])

    def _ask(self, line: str, *, within: float) -> JsonObject:
        process = cast("subprocess.Popen[bytes]", self._process)
        try:
            _write(cast(IO[bytes], process.stdin), line.encode("ascii", "replace") + b"\n")
            return cast(JsonObject, json.loads(_read_line(process, limits=self._limits, within=within)))
        except (OSError, ValueError, TimeoutError) as error:
            raise self._failed(is_late=isinstance(error, TimeoutError)) from None

    def _failed(self, *, is_late: bool) -> RegoFailed | RegoNotAtHand:
        code = self._stop()
        if code == rego_program.NOT_AT_HAND:
            return RegoNotAtHand()
        self._failures += 1
        if self._failures >= self._limits.most_failures:
            self._failures, self._rests_until = 0, time.monotonic() + self._limits.rest_seconds
        if is_late or code == -signal.SIGPROF:
            return RegoFailed(because="it took too long")
        return RegoFailed(because="it broke, or took too much memory")

    def _stop(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(OSError):
            cast(IO[bytes], process.stdin).close()
        cast(IO[bytes], process.stdout).close()
        try:
            # It may be about to end by itself, and then tells why.
            return process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def _command(limits: RegoLimits) -> Sequence[str]:
    # Isolated: neither the environment nor the folder it stands in says what it imports.
    return [sys.executable, "-IB", str(Path(rego_program.__file__).resolve()), str(limits.seconds)]


def _write(stream: IO[bytes], line: bytes) -> None:
    stream.write(line)
    stream.flush()


def _read_line(process: subprocess.Popen[bytes], *, limits: RegoLimits, within: float) -> bytes:
    """Read a line, however it comes in pieces. Raises TimeoutError, and ValueError where it ends or takes too much."""
    descriptor, until, pieces, size = cast(IO[bytes], process.stdout).fileno(), time.monotonic() + within, [], 0
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while True:
        if not poll.poll(_LOOK_SECONDS * 1000):
            if time.monotonic() >= until:
                raise TimeoutError
            if _resident_bytes(process.pid) > limits.memory_bytes:
                raise ValueError("too much memory")
            continue
        piece = os.read(descriptor, 65_536)
        size += len(piece)
        if not piece or size > limits.answer_bytes:
            raise ValueError("no whole answer")
        pieces.append(piece)
        if piece.endswith(b"\n"):
            return b"".join(pieces)


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        # No such file on this system: the time it has bounds what it can fill.
        return 0


def _problem(said: Any, source: str) -> Problem:
    at = said.get("at")
    if not isinstance(at, int):
        return Problem(PLACE, f"Rego: {said.get('message')}.")
    line, column = source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)
    return Problem(PLACE, f"Line {line}, column {column}: Rego says: {said.get('message')}. Correct it there.")


_texts: "OrderedDict[str, RegoText]" = OrderedDict()
_texts_lock = threading.Lock()


def rego_text(source: str) -> RegoText:
    """Return the one door of a text in this process; the one that was longest not asked for makes room."""
    with _texts_lock:
        text = _texts.pop(source, None) or RegoText(source)
        _texts[source] = text
        left = [_texts.popitem(last=False)[1] for _ in range(len(_texts) - MOST_KEPT)]
    for each in left:
        each.stop()
    return text


@dataclass(frozen=True, slots=True)
class RegoSource:
    """The engine's RegoDoor to a text: whatever holds one keeps no process from making room for another's."""

    source: str

    async def make_ready(self) -> None:
        """See the port."""
        await rego_text(self.source).make_ready()

    def evaluate(self, input: str) -> JsonValue:
        """See the port."""
        return rego_text(self.source).evaluate(input)


def compile_rego(source: str, *, sample: str) -> None:
    """Compile a text and ask it once, which tells of functions that are not there.

    Raises PolicyInvalid with places in the text, RegoNotAtHand.
    """
    text = RegoText(source)
    try:
        text.start()
        text.evaluate(sample)
    except RegoFailed as error:
        raise PolicyInvalid([Problem(PLACE, error.message)]) from None
    finally:
        text.stop()


@atexit.register
def stop_all() -> None:
    """End every process."""
    with _texts_lock:
        texts = list(_texts.values())
        _texts.clear()
    for text in texts:
        text.stop()


def _forget() -> None:
    """After a fork the processes are the parent's."""
    global _texts_lock
    _texts_lock = threading.Lock()
    _texts.clear()


os.register_at_fork(after_in_child=_forget)
