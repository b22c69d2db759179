# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The door to the sandbox service: runs untrusted code elsewhere, in a process and behind walls that are not ours."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from agents.errors import SandboxRefused, SandboxUnavailable
from codexos.kernel.frames import Frame, FrameInvalid, read_frame

PART = 65536
Stream = Literal["stdout", "stderr"]
_STREAMS: Mapping[str, Stream] = {"O": "stdout", "R": "stderr"}


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How much one job may take; what is None is as the service has it. The installation's caps stand above all."""

    seconds: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    output_bytes: int | None = None
    file_bytes: int | None = None
    files: int | None = None
    artefacts: int | None = None
    artefact_bytes: int | None = None

    def said(self) -> dict[str, float]:
        """Return those that are said."""
        names = self.__slots__
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Job:
    """One command. It stands in /work, which is new and empty or the named folder.

    What it leaves in /out is brought back where ``collect`` says so. ``python`` puts the pre-built environment first.
    ``proxy`` is the socket of a proxy among those of this installation: without one there is no network at all.
    """

    command: tuple[str, ...]
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    folder: str | None = None
    limits: JobLimits = JobLimits()
    python: bool = False
    proxy: str | None = None
    collect: bool = False

    def said(self, ask: str) -> Frame:
        """Return what the service is asked."""
        said = {
            "ask": ask,
            "command": list(self.command),
            "stdin_bytes": len(self.stdin),
            "env": dict(self.env),
            "files": [{"path": path, "size": len(content)} for path, content in self.files.items()],
            "limits": self.limits.said(),
            "python": self.python,
            "collect": self.collect,
            "folder": self.folder,
            "proxy": self.proxy and Path(self.proxy).name,
        }
        return Frame("A", json.dumps(said).encode())


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file a job left in /out."""

    name: str
    size: int
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended, what it said and what it left. ``ended_by`` names the limit that ended it, where one did."""

    exit_code: int
    signal: int | None
    ended_by: str
    is_truncated: bool
    left_out: tuple[tuple[str, str], ...]
    seconds: float
    peak_bytes: int
    stdout: bytes = b""
    stderr: bytes = b""
    artefacts: tuple[Artefact, ...] = ()

    @property
    def is_timed_out(self) -> bool:
        """Whether its time was up."""
        return self.ended_by == "seconds"


@dataclass(frozen=True, slots=True)
class SandboxStanding:
    """Whether untrusted code can run here, why not where it cannot, and which walls stand."""

    is_available: bool
    reason: str | None
    walls: Mapping[str, Any]


@dataclass(slots=True)
class LiveProcess:
    """A process whose input and output are open as long as it lives."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _outcome: Outcome | None = None

    async def write(self, part: bytes) -> None:
        """Send it some input. Raises SandboxUnavailable where it is gone."""
        try:
            for begin in range(0, len(part), PART):
                self._writer.write(Frame("I", part[begin : begin + PART]).packed())
                await self._writer.drain()
        except OSError as error:
            raise _away(str(error)) from error

    async def end_input(self) -> None:
        """Tell it that no input follows. Raises SandboxUnavailable where it is gone."""
        try:
            self._writer.write(Frame("E").packed())
            await self._writer.drain()
        except OSError as error:
            raise _away(str(error)) from error

    async def output(self) -> AsyncIterator[tuple[Stream, bytes]]:
        """Give what it says until it ends."""
        while True:
            frame = await _next(self._reader)
            if frame.kind == "X":
                self._outcome = _outcome(_read(frame))
                return
            if frame.kind in _STREAMS:
                yield _STREAMS[frame.kind], frame.payload

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None as long as its output has not been read to the end."""
        return self._outcome


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The service that listens at a Unix socket."""

    socket: str

    async def standing(self) -> SandboxStanding:
        """Return whether code can run; a service that does not answer is one more reason why not."""
        try:
            async with self._asked(Frame("A", b'{"ask": "standing"}')) as (reader, _writer):
                told = _read(await _next(reader))
        except SandboxUnavailable as error:
            return SandboxStanding(False, error.message, {})
        return SandboxStanding(told["is_available"], told["reason"], told["walls"])

    async def run(self, job: Job, emit: Callable[[Stream, bytes], None] | None = None) -> Outcome:
        """Run a job to its end; ``emit`` is given what it says as it says it.

        Raises SandboxUnavailable, SandboxRefused.
        """
        async with self._asked(job.said("run")) as (reader, writer):
            with suppress(ConnectionError):
                # A refusal may come before all of it was sent; it is read below.
                await _send(writer, [*job.files.values(), job.stdin])
            return await _follow(reader, emit)

    @asynccontextmanager
    async def open(self, job: Job) -> AsyncIterator[LiveProcess]:
        """Start a process and talk to it while the block runs; it is ended with the block."""
        async with self._asked(job.said("open")) as (reader, writer):
            await _send(writer, job.files.values())
            process = LiveProcess(reader, writer)
            if job.stdin:
                await process.write(job.stdin)
            yield process

    @asynccontextmanager
    async def _asked(self, ask: Frame) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket)
        except OSError as error:
            raise _away(f"nobody answers at its socket ({error.strerror}).") from error
        try:
            writer.write(ask.packed())
            yield reader, writer
        finally:
            writer.close()


async def _send(writer: asyncio.StreamWriter, contents: Any) -> None:
    for content in contents:
        for begin in range(0, len(content), PART):
            writer.write(Frame("D", content[begin : begin + PART]).packed())
            await writer.drain()


async def _follow(reader: asyncio.StreamReader, emit: Callable[[Stream, bytes], None] | None) -> Outcome:
    said: dict[Stream, list[bytes]] = {"stdout": [], "stderr": []}
    files: list[tuple[dict[str, Any], list[bytes]]] = []
    while (frame := await _next(reader)).kind != "X":
        if frame.kind in _STREAMS:
            stream = _STREAMS[frame.kind]
            said[stream].append(frame.payload)
            if emit:
                emit(stream, frame.payload)
        elif frame.kind == "F":
            files.append((_read(frame), []))
        elif frame.kind == "D" and files:
            files[-1][1].append(frame.payload)
    artefacts = tuple(_artefact(told, b"".join(parts)) for told, parts in files)
    return replace(
        _outcome(_read(frame)),
        stdout=b"".join(said["stdout"]),
        stderr=b"".join(said["stderr"]),
        artefacts=artefacts,
    )


def _artefact(told: Mapping[str, Any], content: bytes) -> Artefact:
    return Artefact(str(told["name"]), len(content), hashlib.sha256(content).hexdigest(), content)


def _outcome(told: Mapping[str, Any]) -> Outcome:
    return Outcome(
        exit_code=told["exit_code"],
        signal=told["signal"],
        ended_by=told["ended_by"],
        is_truncated=told["is_truncated"],
        left_out=tuple((name, why) for name, why in told["left_out"]),
        seconds=told["seconds"],
        peak_bytes=told["peak_bytes"],
    )


def _away(because: str) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"The sandbox cannot run this now: {because} `bin/manage doctor` tells what it needs.", because=because
    )


async def _next(reader: asyncio.StreamReader) -> Frame:
    """Return the next frame. Raises SandboxRefused for a no, SandboxUnavailable where the service is gone."""
    try:
        frame = await read_frame(reader)
    except (OSError, FrameInvalid) as error:
        raise _away(str(error)) from error
    if frame is None:
        raise _away("it ended in the middle of it.")
    if frame.kind == "N":
        told = _read(frame)
        if told["code"] in {"away", "busy"}:
            raise _away(told["message"])
        raise SandboxRefused(f"The sandbox does not take this: {told['message']}")
    return frame


def _read(frame: Frame) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(frame.payload))
