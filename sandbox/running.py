# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""One job in one slot: what it is given, what it says, when it is over, and what it leaves."""

import asyncio
import json
import math
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from codexos.kernel.frames import LARGEST, Frame, FrameInvalid, read_frame
from sandbox.errors import AskInvalid
from sandbox.folders import Folders
from sandbox.forwarding import forward
from sandbox.jobs import Job
from sandbox.line import Line
from sandbox.slots import Slot
from sandbox.walls import PROXY_PORT
from sandbox.watching import Watch

PART = 65536
BEGIN_SECONDS = 60.0
"""How long who asks may take to send what a job is given."""
COLLECT_SECONDS = 30.0
FOLDER_EVERY_SECONDS = 1.0
SPOKEN_SECONDS = 30.0
"""How long, when a job is over, what it said may take to be passed on, and then how long its end."""
_PATH = "/usr/local/bin:/usr/bin:/bin"
_PROXY = f"http://127.0.0.1:{PROXY_PORT}"
ENVIRONMENT = {
    # Where threads are refused, as by the bound on processes, it would end the program by a signal.
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": _PATH,
    "USER": "worker",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "Agg",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for something, and waits to be told."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, frame: Frame) -> None:
        """Send a frame; returns when there is room for the next."""
        self.writer.write(frame.packed())
        await self.writer.drain()

    async def tell(self, kind: str, what: object) -> None:
        """Send a frame that carries JSON."""
        await self.send(Frame(kind, json.dumps(what).encode()))


@dataclass(slots=True)
class Doing:
    """A job as it runs."""

    job: Job
    slot: Slot
    asker: Asker
    line: Line
    has_group: bool
    environment: Mapping[str, str]
    folders: Folders | None = None
    _spoken: int = 0
    _is_cut: bool = False
    _ended_by: str = ""
    _began: float = 0.0
    _around: list["asyncio.Task[None]"] = field(default_factory=list)

    async def run(self) -> None:
        """Do it from beginning to end, and tell how it ended. Raises AskInvalid, ConnectionError."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._begin()
            self._around += [
                asyncio.create_task(self._watch_clock()),
                asyncio.create_task(self._watch_files()),
                asyncio.create_task(self._watch_folder()),
                asyncio.create_task(self._listen()),
            ]
            if self.slot.door and self.job.proxy:
                self._around.append(asyncio.create_task(forward(self.slot.door, self.line, self.job.proxy)))
            spoken = asyncio.gather(self._speak("O", self.slot.stdout), self._speak("R", self.slot.stderr))
            self.slot.stdout = self.slot.stderr = -1
            try:
                ended = await asyncio.shield(self.slot.ended)
                await self._heard_out(spoken)
            except BaseException:
                spoken.cancel()
                raise
        finally:
            for task in self._around:
                task.cancel()
            await asyncio.gather(*self._around, return_exceptions=True)
        seconds = time.monotonic() - self._began
        left_out = await self._collect() if self.job.collect else []
        async with asyncio.timeout(SPOKEN_SECONDS):
            await self._tell_end(ended, seconds=seconds, left_out=left_out)

    async def _heard_out(self, spoken: "asyncio.Future[Any]") -> None:
        """Wait for what was said before the end; not for ever for one who does not listen, or for what holds a pipe."""
        try:
            async with asyncio.timeout(SPOKEN_SECONDS):
                await spoken
        except TimeoutError:
            self._is_cut = True

    async def _begin(self) -> None:
        job, slot = self.job, self.slot
        slot.bound(job.limits)
        if slot.door and not job.proxy:
            slot.door.close()
            slot.door = None
        self._began = time.monotonic()
        files = [(file.path, file.size) for file in job.files]
        await slot.give({"command": job.command, "env": self._env(), "limits": self._limits(), "files": files})
        async for part in self._given(sum(file.size for file in job.files)):
            await slot.hand(part)
        slot.let_go()
        if not job.is_live:
            # What is said of stdin fits into the pipe or is fed as it is read.
            self._around.append(asyncio.create_task(self._feed([part async for part in self._given(job.stdin_bytes)])))

    def _env(self) -> dict[str, str]:
        work, out, temporary, _shared = self.slot.places
        made = {**ENVIRONMENT, "HOME": work, "OUT": out, "TMPDIR": temporary, "MPLCONFIGDIR": f"{temporary}/matplotlib"}
        if self.job.python:
            made |= self.environment
            made["PATH"] = f"{made['VIRTUAL_ENV']}/bin:{_PATH}"
        if self.job.proxy:
            made |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _PROXY)
        return made | dict(self.job.env)

    def _limits(self) -> dict[str, int]:
        limits = self.job.limits
        made = {
            "RLIMIT_FSIZE": limits.file_bytes,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 65536,
            "RLIMIT_CPU": math.ceil(limits.seconds) * (os.cpu_count() or 1) + 5,
            "RLIMIT_NPROC": limits.processes,
        }
        return made if self.has_group else {**made, "RLIMIT_AS": limits.memory_bytes}

    async def _given(self, size: int) -> AsyncIterator[bytes]:
        """Read what was announced from who asked. Raises AskInvalid where something else comes."""
        while size:
            frame = await read_frame(self.asker.reader)
            if frame is None or frame.kind != "D" or not 0 < len(frame.payload) <= size:
                raise AskInvalid("The files and the input of a job follow it, as long as it said they are.")
            size -= len(frame.payload)
            yield frame.payload

    async def _feed(self, parts: list[bytes]) -> None:
        with suppress(OSError):
            stdin = await _writing(self.slot)
            for part in parts:
                stdin.write(part)
                await stdin.drain()
            stdin.close()

    async def _listen(self) -> None:
        """Pass live input on; whoever hangs up ends the job."""
        stdin = await _writing(self.slot) if self.job.is_live else None
        try:
            while frame := await read_frame(self.asker.reader):
                if stdin is None:
                    raise FrameInvalid("Nothing more was announced.")
                with suppress(OSError):
                    if frame.kind == "E":
                        stdin.close()
                    elif frame.kind == "I":
                        stdin.write(frame.payload)
                        await stdin.drain()
        except (FrameInvalid, OSError):
            pass
        self._end("hung up")

    async def _watch_clock(self) -> None:
        await asyncio.sleep(self.job.limits.seconds)
        self._end("seconds")

    async def _watch_files(self) -> None:
        limits = self.job.limits
        memory = None if self.has_group else limits.memory_bytes
        watch = Watch(self.slot.rooms, limits.files, memory, self.slot.pid, self.slot.memory_events)
        self._end(await watch.until_exceeded())

    async def _watch_folder(self) -> None:
        """The folder lies on a disk: nothing but looking at it tells how much it holds."""
        if self.folders is None or self.job.folder is None:
            return
        while True:
            await asyncio.sleep(FOLDER_EVERY_SECONDS)
            files, size = await asyncio.to_thread(self.folders.usage, self.job.folder)
            if files > self.folders.quota.files or size > self.folders.quota.bytes:
                self._end("folder")

    def _end(self, why: str) -> None:
        if not self._ended_by and not self.slot.ended.done():
            self._ended_by = why
            self.slot.kill()

    async def _speak(self, kind: str, descriptor: int) -> None:
        """Pass on what is said as it is said, up to what may be said; the rest is read and dropped."""
        reader = await _reading(descriptor)
        while part := await reader.read(PART):
            allowed = part[: max(0, self.job.limits.output_bytes - self._spoken)]
            self._is_cut = self._is_cut or len(allowed) < len(part)
            self._spoken += len(allowed)
            if allowed:
                await self.asker.send(Frame(kind, allowed))

    async def _collect(self) -> list[list[str]]:
        """Pass on what lies in /out, now that nobody is left who could change it."""
        readable, writable = os.pipe2(os.O_CLOEXEC)
        try:
            limits = self.job.limits
            self.line.ask(
                "collect",
                self.slot.folders[1],
                writable,
                slot=self.slot.number,
                folder=bool(self.slot.folder),
                most=limits.artefacts,
                most_bytes=limits.artefact_bytes,
            )
        finally:
            os.close(writable)
        reader = await _reading(readable)
        async with asyncio.timeout(COLLECT_SECONDS):
            while frame := await read_frame(reader, most=LARGEST):
                if frame.kind == "S":
                    return list(json.loads(frame.payload))
                await self.asker.send(frame)
        return [["/out", "could not be read"]]

    async def _tell_end(self, ended: Mapping[str, Any], *, seconds: float, left_out: list[list[str]]) -> None:
        code = int(ended.get("code", -9))
        exit_code = code if code >= 0 else 128 - code
        ended_by = self._ended_by or ("memory" if ended.get("short_of_memory") and exit_code == 137 else "")
        outcome = {
            "exit_code": exit_code,
            "signal": exit_code - 128 if 128 < exit_code < 193 else None,
            "ended_by": ended_by,
            "is_truncated": self._is_cut,
            "left_out": left_out,
            "seconds": round(seconds, 4),
            "peak_bytes": int(ended.get("peak_bytes", 0)),
        }
        await self.asker.tell("X", outcome)


async def _reading(descriptor: int) -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=PART)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0))
    return reader


async def _writing(slot: Slot) -> asyncio.StreamWriter:
    """Return a writer to the slot's input, which it closes."""
    loop = asyncio.get_running_loop()
    descriptor, slot.stdin = slot.stdin, -1
    made = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(descriptor, "wb", 0))
    return asyncio.StreamWriter(made[0], made[1], None, loop)
