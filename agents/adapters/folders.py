# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The door to the folders that the sandbox service keeps: reached by their names over a unix socket, never as files."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from agents.engine.workspaces.errors import (
    WorkspaceFileInvalid,
    WorkspaceFileNotFound,
    WorkspaceFull,
    WorkspacesUnavailable,
)
from agents.engine.workspaces.manifests import FileState, read_states
from codexos.kernel.errors import CodexosError
from codexos.kernel.frames import LARGEST, Frame, FrameInvalid, read_frame

LARGEST_ANSWER = 8 * LARGEST
PART = 512 * 1024


@dataclass(frozen=True, slots=True)
class Listed:
    """One thing that stands in a folder."""

    path: str
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class Match:
    """A file that was found, or a line in one: lines count from 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on its way into a folder."""

    path: str
    mode: str
    size: int
    parts: AsyncIterable[bytes]


@dataclass(frozen=True, slots=True)
class FolderScan:
    """Everything a folder holds; ``left_out`` is what stands there and is kept nowhere, with why."""

    files: Mapping[str, FileState]
    left_out: Sequence[Sequence[str]]


class _Line:
    """One connection, on which one thing is done after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def give(self, kind: str, payload: bytes = b"") -> None:
        self.writer.write(Frame(kind, payload).packed())
        await self.writer.drain()

    async def take(self) -> Frame:
        """Return the next message. Raises what the service refused with, WorkspacesUnavailable."""
        try:
            frame = await read_frame(self.reader, most=LARGEST_ANSWER)
        except (OSError, FrameInvalid) as error:
            raise WorkspacesUnavailable(because=str(error)) from error
        if frame is None:
            raise WorkspacesUnavailable(because="the service ended in the middle of it")
        if frame.kind == "X":
            raise _refusal(json.loads(frame.payload))
        return frame


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder, by its name."""

    socket: str
    name: str

    async def mark_of(self) -> str | None:
        """Return the mark of its present state; None where nobody knows it."""
        return cast(str | None, (await self._ask("standing"))["mark"])

    async def mark(self, mark: str | None) -> None:
        """Say which state it is in; None says that it may be any from now on."""
        await self._ask("mark", mark=mark)

    async def scan(self) -> FolderScan:
        """Look at everything in it. Raises WorkspaceFull where that is more than it may hold."""
        told, written = await self._ask_for_data("scan")
        return FolderScan(read_states(json.loads(written)), told["left_out"])

    async def usage(self) -> Mapping[str, int]:
        """Return ``files`` and ``bytes`` it holds, and how many it may: ``most_files``, ``most_bytes``."""
        return await self._ask("usage")

    async def list(self, folder: str = "") -> tuple[Sequence[Listed], bool]:
        """Return what lies beneath it or a folder in it, and whether there is more."""
        told = await self._ask("list", folder=folder)
        return [Listed(*each) for each in told["files"]], told["is_cut"]

    async def list_top(self) -> Sequence[Listed]:
        """Return what lies in it, but not what lies in a folder of it."""
        return [Listed(*each) for each in (await self._ask("list", top=True))["files"]]

    async def read(self, path: str, *, start: int = 0, length: int) -> tuple[bytes, int]:
        """Return a part of a file, and how long all of it is. Raises WorkspaceFileNotFound, WorkspaceFileInvalid."""
        told, content = await self._ask_for_data("read", path=path, start=start, length=length)
        return content, told["size"]

    async def write(self, path: str, content: bytes, *, mode: str = "100644") -> None:
        """Write a whole file. Raises WorkspaceFileInvalid, WorkspaceFull."""
        await self.put([Incoming(path, mode, len(content), parts_of(content))])

    async def remove(self, path: str) -> bool:
        """Remove a file; False where there is none."""
        return bool((await self._ask("remove", path=path))["was_there"])

    async def search(self, **wanted: Any) -> tuple[Sequence[Match], bool]:
        """Return what fits, and whether there is more."""
        told = await self._ask("search", **wanted)
        return [Match(*each) for each in told["matches"]], told["is_cut"]

    async def put(self, files: Iterable[Incoming], *, gone: Sequence[str] = (), is_clean: bool = False) -> None:
        """Put files in, each instead of what stands at its path; before that empty the folder, or remove some.

        Raises WorkspaceFull, WorkspaceFileInvalid.
        """
        async with self._line() as line:
            await self._begin(line, "put", gone=list(gone), clean=is_clean)
            with suppress(ConnectionError):
                # A refusal may come before all of it was sent; it is read below.
                for file in files:
                    told = {"path": file.path, "mode": file.mode, "size": file.size}
                    await line.give("F", json.dumps(told).encode())
                    async for part in file.parts:
                        await line.give("D", part)
                await line.give("E")
            await line.take()

    async def get(self, paths: Sequence[str]) -> AsyncIterator[tuple[str, FileState, AsyncIterator[bytes]]]:
        """Give files one after another, each with what it is; the hash is left for the taker to make.

        The parts of one must be taken before the next is asked for.
        """
        async with self._line() as line:
            await self._begin(line, "get", paths=list(paths))
            while (frame := await line.take()).kind == "F":
                told = json.loads(frame.payload)
                yield told["path"], FileState(told["mode"], "", told["size"]), _taken(line, told["size"])
            await line.take()

    async def drop(self) -> None:
        """Forget it with everything in it."""
        await self._ask("drop")

    async def _ask(self, do: str, **more: Any) -> dict[str, Any]:
        return (await self._ask_for_data(do, **more))[0]

    async def _ask_for_data(self, do: str, **more: Any) -> tuple[dict[str, Any], bytes]:
        async with self._line() as line:
            await self._begin(line, do, **more)
            parts = []
            while (frame := await line.take()).kind == "D":
                parts.append(frame.payload)
            return cast(dict[str, Any], json.loads(frame.payload)), b"".join(parts)

    async def _begin(self, line: _Line, do: str, **more: Any) -> None:
        await line.give("A", json.dumps({"do": do, "name": self.name, **more}).encode())

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[_Line]:
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket)
        except OSError as error:
            because = f"nobody answers at its socket ({error.strerror or error})"
            raise WorkspacesUnavailable(because=because) from error
        try:
            yield _Line(reader, writer)
        except ConnectionError as error:
            raise WorkspacesUnavailable(because=str(error)) from error
        finally:
            writer.close()


async def parts_of(content: bytes) -> AsyncIterator[bytes]:
    """Give some bytes piece by piece."""
    for begin in range(0, len(content), PART):
        yield content[begin : begin + PART]


async def _taken(line: _Line, size: int) -> AsyncIterator[bytes]:
    while size > 0:
        frame = await line.take()
        if frame.kind != "D" or not frame.payload:
            raise WorkspacesUnavailable(because="a file broke off")
        size -= len(frame.payload)
        yield frame.payload


def _refusal(told: Mapping[str, str]) -> CodexosError:
    code, message = told["code"], told["message"]
    match code:
        case "folder_full":
            return WorkspaceFull(message)
        case "no_file":
            missing = WorkspaceFileNotFound(path="")
            missing.message, missing.args = message, (message,)
            return missing
        case "not_a_file" | "ask_invalid" | "too_slow":
            return WorkspaceFileInvalid(message)
        case _:
            return WorkspacesUnavailable(because=message)
