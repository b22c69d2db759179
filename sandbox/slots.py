# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Slots: places where one job runs, some of them ready before it comes."""

import asyncio
import marshal
import os
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import filters
from sandbox.errors import Away, Busy
from sandbox.jobs import Limits
from sandbox.line import Line
from sandbox.walls import AGENT, SMALL_FILES, WRITTEN, Inside, advice, places_without_walls

READY_SECONDS = 20.0
SAID_BYTES = 4000
AGENT_TEXT = Path(__file__).with_name("agent.py").read_bytes()
FILES = {AGENT: AGENT_TEXT, **{path: text.encode() for path, text in SMALL_FILES.items()}}


class Slot:
    """One place with its walls up, in which nothing runs yet but our own agent."""

    def __init__(self, number: int, line: Line, *, folder: str | None = None) -> None:
        self.number = number
        self.folder = folder
        self.stdin = self.stdout = self.stderr = -1
        self.folders: list[int] = []
        self.door: socket.socket | None = None
        self.ended: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self.pid = 0
        self.memory_events = ""
        self.root = ""
        self.places: tuple[str, ...] = WRITTEN
        self._line = line
        self._control: socket.socket | None = None

    def start(self, inside: Inside, caps: Limits) -> None:
        """Have the keeper put the walls up. Raises Away, with nothing left open but what ``close`` closes."""
        handed: list[int] = []
        self._line.listen(self.number, self._heard)
        try:
            self._open_ends(handed)
            words = self._places(inside) if inside.is_unsafe else inside.words(files=tuple(FILES), folder=self.folder)
            for text in (words, _filter(), *FILES.values()):
                _write_down(text, handed)
            self._line.ask("start", *handed, slot=self.number, folder=bool(self.folder), **_bounds(caps))
        except (Away, OSError) as error:
            # The keeper knows nothing of it, and so will never tell that it ended.
            self._line.forget(self.number)
            self._heard({"ended": self.number})
            raise error if isinstance(error, Away) else Away(f"No slot could be made: {error}.") from error
        finally:
            for descriptor in handed:
                os.close(descriptor)

    def _open_ends(self, handed: list[int]) -> None:
        """Open what leads into the slot; the far ends are added to what is handed over, each as soon as it is open."""
        stdin, self.stdin = os.pipe2(os.O_CLOEXEC)
        handed.append(stdin)
        self.stdout, stdout = os.pipe2(os.O_CLOEXEC)
        handed.append(stdout)
        self.stderr, stderr = os.pipe2(os.O_CLOEXEC)
        handed.append(stderr)
        self._control, control = socket.socketpair()
        handed.append(control.detach())
        self._control.setblocking(False)

    def _places(self, inside: Inside) -> bytes:
        self.root = tempfile.mkdtemp(prefix="codexos-unsafe-")
        work, *others = places_without_walls(self.root)
        self.places = (self.folder or work, *others)
        return "\0".join(self.places).encode()

    async def ready(self) -> None:
        """Return when the agent stands and has handed over its folders. Raises Away where it does not."""
        control = self._control
        if control is None:
            raise Away("The slot was never started.")
        heard = asyncio.ensure_future(_handed_over(control))
        try:
            either: set[asyncio.Future[Any]] = {heard, self.ended}
            await asyncio.wait(either, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            found = heard.result() if heard.done() and not heard.exception() else []
        finally:
            heard.cancel()
        if len(found) < 2:
            raise Away(self._why())
        *self.folders, door = found
        self.door = socket.socket(fileno=door)

    def _why(self) -> str:
        os.set_blocking(self.stderr, False)
        said = ""
        with suppress(OSError):
            said = os.read(self.stderr, SAID_BYTES).decode("utf-8", "replace").strip()
        said = said or "nothing was said of it"
        return f"No slot could be made: {said}. {advice(said)}"

    @property
    def rooms(self) -> list[int]:
        """The folders of this slot alone, which tell how much was put into them: not one on a disk of others."""
        if self.root:
            return []
        return self.folders[1:] if self.folder else self.folders

    def bound(self, limits: Limits) -> None:
        """Bring the bounds of the whole tree down to those of the job."""
        self._line.ask("bound", slot=self.number, **_bounds(limits))

    async def give(self, asked: Mapping[str, object]) -> None:
        """Tell the agent what to become."""
        text = marshal.dumps(dict(asked), 4)
        await self.hand(len(text).to_bytes(4, "big") + text)

    async def hand(self, part: bytes) -> None:
        """Hand the agent a part of a file that was told of. What has ended meanwhile takes nothing more."""
        if self._control:
            with suppress(OSError):
                await asyncio.get_running_loop().sock_sendall(self._control, part)

    def let_go(self) -> None:
        """Cut the line to the agent, which is the command from here on."""
        if self._control:
            self._control.close()
            self._control = None

    def kill(self) -> None:
        """End everything in it, whatever it does about signals."""
        if not self.ended.done():
            with suppress(Away):
                self._line.ask("kill", slot=self.number)

    def close(self) -> None:
        """Let go of everything that is held of it."""
        self.let_go()
        if self.door:
            self.door.close()
            self.door = None
        for descriptor in (self.stdin, self.stdout, self.stderr, *self.folders):
            if descriptor >= 0:
                os.close(descriptor)
        self.stdin = self.stdout = self.stderr = -1
        self.folders = []
        if self.root:
            shutil.rmtree(self.root, ignore_errors=True)

    def _heard(self, told: Mapping[str, Any]) -> None:
        self.pid = told.get("pid", self.pid)
        self.memory_events = told.get("memory", self.memory_events)
        if told.get("failed") == "bound":
            # What cannot be bounded as it was promised is not let run.
            self.kill()
        is_over = "ended" in told or told.get("failed") == "start"
        if is_over and not self.ended.done():
            self.ended.set_result(told)


async def _handed_over(control: socket.socket) -> list[int]:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(control, _say_once, readable)
    try:
        await readable
    finally:
        loop.remove_reader(control)
    _message, descriptors, _flags, _address = socket.recv_fds(control, 64, 16)
    return list(descriptors)


def _say_once(said: "asyncio.Future[None]") -> None:
    if not said.done():
        said.set_result(None)


def _bounds(limits: Limits) -> dict[str, int]:
    return {"memory_bytes": limits.memory_bytes, "processes": limits.processes}


def _write_down(text: bytes, handed: list[int]) -> None:
    """Add an open file without a name that holds a text to what is handed over."""
    descriptor = os.memfd_create("codexos", os.MFD_CLOEXEC)
    handed.append(descriptor)
    os.write(descriptor, text)
    os.lseek(descriptor, 0, os.SEEK_SET)


def _filter() -> bytes:
    machine = filters.this_machine()
    if machine is None:
        raise Away("There is no filter of system calls for this kind of processor; nothing is run without one.")
    return filters.program(machine)


@dataclass(slots=True)
class Pool:
    """So many slots at once; a few are ready before they are asked for, and who comes later waits in line."""

    line: Line
    inside: Inside
    caps: Limits
    most: int
    warm: int
    first: int = 0
    patience_seconds: float = 120.0
    lack: str | None = None
    _free: deque[int] = field(default_factory=deque)
    _ready: deque[Slot] = field(default_factory=deque)
    _making: set["asyncio.Task[None]"] = field(default_factory=set)
    _turns: asyncio.Semaphore = field(init=False)
    _is_open: bool = True
    is_hopeless: bool = field(init=False)

    def __post_init__(self) -> None:
        # What was found to lack before anything was tried does not come back by trying.
        self.is_hopeless = self.lack is not None
        self._free.extend(range(self.first, self.first + self.most + self.warm))
        self._turns = asyncio.Semaphore(self.most)

    async def open(self) -> None:
        """Make the first slots; remember why where none can be made."""
        if self.lack:
            return
        try:
            self._ready.append(await self._made(None))
        except Away as error:
            self.lack = error.message
            return
        self._refill()

    async def take(self, folder: str | None) -> Slot:
        """Return a slot with its walls up. Raises Away, Busy."""
        if self.is_hopeless:
            raise Away(str(self.lack))
        try:
            await asyncio.wait_for(self._turns.acquire(), self.patience_seconds)
        except TimeoutError:
            raise Busy(f"All {self.most} slots of the sandbox were taken for {self.patience_seconds:.0f} s.") from None
        try:
            return self._warm_one() if folder is None and self._has_warm() else await self._made(folder)
        except BaseException:
            self._turns.release()
            raise

    async def give_back(self, slot: Slot) -> None:
        """End what is left in a slot, and let the next in line have its place."""
        try:
            await self._end(slot)
        finally:
            self._turns.release()
            self._refill()

    async def close(self) -> None:
        """End the slots nobody has taken."""
        self._is_open = False
        for task in self._making:
            task.cancel()
        while self._ready:
            await self._end(self._ready.popleft())

    def _has_warm(self) -> bool:
        while self._ready and self._ready[0].ended.done():
            dead = self._ready.popleft()
            dead.close()
            self._free.append(dead.number)
        return bool(self._ready)

    def _warm_one(self) -> Slot:
        slot = self._ready.popleft()
        self._refill()
        return slot

    def _refill(self) -> None:
        if self._is_open and len(self._ready) + len(self._making) < self.warm and self._free:
            task = asyncio.ensure_future(self._make_ready())
            self._making.add(task)
            task.add_done_callback(self._making.discard)
            task.add_done_callback(lambda _task: self._refill() if not _task.cancelled() else None)

    async def _make_ready(self) -> None:
        try:
            self._ready.append(await self._made(None))
        except Away:
            # Whoever comes next tries again and is told why.
            await asyncio.sleep(1)

    async def _made(self, folder: str | None) -> Slot:
        if not self._free:
            raise Busy("No slot is free.")
        slot = Slot(self._free.popleft(), self.line, folder=folder)
        try:
            slot.start(self.inside, self.caps)
            await slot.ready()
        except BaseException:
            await asyncio.shield(self._end(slot))
            raise
        self.lack = None
        return slot

    async def _end(self, slot: Slot) -> None:
        slot.kill()
        # Its number, and the user it stands for, is given to others only when nothing of it is left.
        await asyncio.wait({slot.ended}, timeout=READY_SECONDS)
        slot.close()
        if slot.ended.done():
            self._free.append(slot.number)
        else:
            slot.ended.add_done_callback(lambda _ended: self._free.append(slot.number))
