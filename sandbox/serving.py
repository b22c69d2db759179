# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The front door: a Unix socket on which each connection asks for one thing."""

import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded before the service is a user who may not read our Python
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from codexos.kernel.frames import FrameInvalid, read_frame
from sandbox.errors import AskInvalid, Refused
from sandbox.folders import Folders
from sandbox.jobs import Job, Limits, read_job
from sandbox.line import Line
from sandbox.running import Asker, Doing
from sandbox.slots import Pool

HELLO_SECONDS = 30.0
CONNECTIONS = 1000


@dataclass(slots=True)
class Service:
    """What is served, and with what."""

    line: Line
    jobs: Pool
    sessions: Pool
    caps: Limits
    session_caps: Limits
    walls: Mapping[str, object]
    environment: Mapping[str, str]
    has_group: bool
    peers: frozenset[int]
    folders: Folders | None = None
    _open: set["asyncio.Task[None]"] = field(default_factory=set)

    def standing(self) -> dict[str, object]:
        """Return whether code can run here, why not where it cannot, and which walls stand."""
        return {"is_available": self.jobs.lack is None, "reason": self.jobs.lack, "walls": dict(self.walls)}

    async def serve(self, listening: socket.socket, *, until: asyncio.Event) -> None:
        """Answer until told to stop, then end every job."""
        await self.jobs.open()
        print(f"The sandbox listens. {self._said()}", flush=True)  # noqa: T201 - the log
        server = await asyncio.start_unix_server(self._came, sock=listening, backlog=CONNECTIONS)
        async with server:
            await until.wait()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self.jobs.close()
        await self.sessions.close()

    def _said(self) -> str:
        if self.walls.get("is_unsafe"):
            return "UNSAFE: code runs WITHOUT ANY WALLS, as this user."
        return self.jobs.lack or "Code runs behind its walls."

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._open) >= CONNECTIONS or not self._is_ours(writer):
            writer.close()
            return
        self._open.add(task)
        try:
            await self._answer(Asker(reader, writer))
        except (ConnectionError, FrameInvalid, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    def _is_ours(self, writer: asyncio.StreamWriter) -> bool:
        """Whether who knocks is one of the product's processes, as the kernel tells."""
        told = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _pid, user, _group = struct.unpack("3i", told)
        return user in self.peers

    async def _answer(self, asker: Asker) -> None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                asked = await _read_ask(asker.reader)
            await self._doing(asked)(asked, asker)
        except Refused as error:
            await asker.tell("N", {"code": error.code, "message": error.message})
            # Who is still sending would be told by the system that the line broke, and not read why.
            await _hear_out(asker.reader)

    def _doing(self, asked: Mapping[str, Any]) -> Callable[..., Awaitable[None]]:
        doings: dict[str, Callable[..., Awaitable[None]]] = {
            "standing": self._standing,
            "run": self._run,
            "open": self._live,
        }
        doing = doings.get(str(asked.get("ask")))
        if doing is None:
            raise AskInvalid(f"There is nothing like {asked.get('ask')!r}; ask for one of {', '.join(doings)}.")
        return doing

    async def _standing(self, _asked: Mapping[str, Any], asker: Asker) -> None:
        await asker.tell("X", self.standing())

    async def _run(self, asked: Mapping[str, Any], asker: Asker) -> None:
        await self._do(read_job(asked, caps=self.caps), self.jobs, asker=asker)

    async def _live(self, asked: Mapping[str, Any], asker: Asker) -> None:
        await self._do(read_job(asked, caps=self.session_caps, is_live=True), self.sessions, asker=asker)

    def _place(self, job: Job) -> str | None:
        """Return where the folder lies that a job names."""
        if job.folder is None:
            return None
        if self.folders is None:
            raise AskInvalid("No folders are kept here.")
        return str(self.folders.place(job.folder))

    async def _do(self, job: Job, pool: Pool, *, asker: Asker) -> None:
        if job.python and not self.environment:
            raise AskInvalid("The Python environment of the sandbox is not installed: run bin/up, which installs it.")
        # In a thread: whoever looks through the folder just now holds it, and everybody else's jobs go on.
        slot = await pool.take(await asyncio.to_thread(self._place, job))
        try:
            doing = Doing(
                job,
                slot,
                asker,
                line=self.line,
                has_group=self.has_group,
                environment=self.environment,
                folders=self.folders,
            )
            await doing.run()
        finally:
            await asyncio.shield(pool.give_back(slot))


async def _hear_out(reader: asyncio.StreamReader) -> None:
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(HELLO_SECONDS):
            while await reader.read(65536):
                pass


async def _read_ask(reader: asyncio.StreamReader) -> Mapping[str, Any]:
    frame = await read_frame(reader)
    if frame is None:
        raise ConnectionError
    with suppress(ValueError, RecursionError):
        asked = json.loads(frame.payload) if frame.kind == "A" else None
        if isinstance(asked, dict):
            return asked
    raise AskInvalid("What is asked is one object in JSON.")


def listen(path: str, *, group: int | None = None) -> socket.socket:
    """Return the open front door: only this user's processes, or those of a group, reach it."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(path)
    finally:
        os.umask(before)
    if group is not None:
        os.chown(path, -1, group)
        os.chmod(path, 0o660)
    listening.listen(CONNECTIONS)
    return listening
