# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The door to the folders: a socket of its own, a thread for each who knocks, one thing done after another for each.

A message is a letter, a length and what it carries. ``A`` asks (JSON), ``R`` answers (JSON), ``X`` refuses (JSON: code
and message). Files travel as ``F`` (JSON: path, mode, size), so many bytes in ``D``s, and ``E`` after the last of them.
"""

import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from sandbox import beneath, searching
from sandbox.errors import AskInvalid, Refused
from sandbox.folders import LINK, PIECE, PROGRAM, Folders, Quota, full

HEAD = struct.Struct(">BI")
_PEER = struct.Struct("3i")
LARGEST = 8 * 1_048_576
IDLE_SECONDS = 300.0
SWEEP_EVERY_SECONDS = 600.0
SHORT_SECONDS = 0.2
KEPT_IDLE_SECONDS = 12 * 3600.0
"""How long a folder stays that nobody asks for: longer than any job lasts, so none is swept from under one."""
MOST_LISTED = 2_000


class Line:
    """One who asks: frames in and out of a socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._file = end.makefile("rb", buffering=PIECE)

    def take(self) -> tuple[str, bytes] | None:
        """Return the next message; None where there is none any more."""
        head = self._file.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        kind, size = HEAD.unpack(head)
        if size > LARGEST:
            return None
        payload = self._file.read(size)
        return (chr(kind), payload) if len(payload) == size else None

    def give(self, kind: str, payload: bytes = b"") -> None:
        """Send a message."""
        self._end.sendall(HEAD.pack(ord(kind), len(payload)) + payload)

    def tell(self, kind: str, said: Mapping[str, Any]) -> None:
        """Send one in JSON."""
        self.give(kind, json.dumps(said).encode())


class FolderDoor:
    """Answers at a socket for as long as the process lives."""

    def __init__(self, folders: Folders, socket_path: Path, *, peers: frozenset[int] = frozenset()) -> None:
        self.folders = folders
        self._path = socket_path
        self._peers = peers or frozenset({0, os.geteuid()})

    def start(self) -> None:
        """Open the door; a thread of its own answers."""
        Thread(target=self.serve, args=[self.listen()], name="folders", daemon=True).start()

    def listen(self) -> socket.socket:
        """Take the place, also from one that died there."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(self._path))
        listening.listen(64)
        return listening

    def serve(self, listening: socket.socket) -> None:
        """Answer until the socket is closed, and let go of what nobody comes back to."""
        looking = {"idle_seconds": KEPT_IDLE_SECONDS}
        Thread(target=self.folders.look_over, kwargs=looking, name="folders-start", daemon=True).start()
        listening.settimeout(SWEEP_EVERY_SECONDS)
        swept = time.monotonic()
        while listening.fileno() >= 0:
            try:
                end, _ = listening.accept()
                self._admit(end)
            except TimeoutError:
                pass
            except (OSError, RuntimeError):
                # Closed, or short of descriptors or threads: whoever has some gives them back.
                time.sleep(SHORT_SECONDS)
            if time.monotonic() - swept > SWEEP_EVERY_SECONDS:
                swept = time.monotonic()
                self.folders.sweep(idle_seconds=KEPT_IDLE_SECONDS)

    def _admit(self, end: socket.socket) -> None:
        """Answer one who is a process of the product, as the kernel tells, and nobody else."""
        told = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        if _PEER.unpack(told)[1] not in self._peers:
            end.close()
            return
        Thread(target=self.answer, args=[end], name="folder", daemon=True).start()

    def answer(self, end: socket.socket) -> None:
        """Do what one asks for, until they go or say what cannot be read."""
        end.settimeout(IDLE_SECONDS)
        line = Line(end)
        with end, suppress(OSError, ValueError):
            while (message := line.take()) is not None and message[0] == "A":
                if not self._do(json.loads(message[1]), line):
                    return

    def _do(self, asked: Any, line: Line) -> bool:
        """Do one thing; False where the line is of no more use after it."""
        do = str(asked.get("do")) if isinstance(asked, dict) else ""
        doing = DOINGS.get(do)
        try:
            if doing is None or not isinstance(asked.get("name"), str):
                raise AskInvalid(f"There is nothing to do but {', '.join(sorted(DOINGS))}, to a folder by its name.")
            line.tell("R", doing(self.folders, asked, line) or {})
        except Refused as refused:
            line.tell("X", {"code": refused.code, "message": refused.message})
            return do != "put"
        except (KeyError, TypeError, ValueError) as error:
            line.tell("X", {"code": "ask_invalid", "message": f"What was asked cannot be read: {error}."})
            return False
        except OSError as error:
            said = "The disk that keeps workspaces is full." if error.errno == 28 else f"The folder failed: {error}."
            line.tell("X", {"code": "folder_failed", "message": said})
            return False
        return True


def _standing(folders: Folders, asked: Mapping[str, Any], _line: Line) -> Mapping[str, Any]:
    return {"mark": folders.mark_of(asked["name"])}


def _mark(folders: Folders, asked: Mapping[str, Any], _line: Line) -> None:
    folders.mark(asked["name"], asked["mark"])


def _scan(folders: Folders, asked: Mapping[str, Any], line: Line) -> Mapping[str, Any]:
    """The whole of it may be long, so it travels as data before the answer."""
    scan = folders.scan(asked["name"])
    written = json.dumps(scan.files).encode()
    for begin in range(0, len(written), PIECE):
        line.give("D", written[begin : begin + PIECE])
    return {"left_out": scan.left_out}


def _usage(folders: Folders, asked: Mapping[str, Any], _line: Line) -> Mapping[str, Any]:
    files, spent = folders.usage(asked["name"])
    return {"files": files, "bytes": spent, "most_files": folders.quota.files, "most_bytes": folders.quota.bytes}


def _list(folders: Folders, asked: Mapping[str, Any], _line: Line) -> Mapping[str, Any]:
    beginning = f"{asked['folder']}/" if asked.get("folder") else ""
    listed: list[list[Any]] = []
    with folders.opened(asked["name"]) as folder:
        for found in beneath.walk(folder, most_deep=0 if asked.get("top") is True else beneath.DEEPEST):
            if found.path.startswith(beginning) and found.path.isprintable() and not found.path.startswith(".git/"):
                listed.append([found.path, found.stat.st_size, _kind(found.stat.st_mode)])
                if len(listed) > MOST_LISTED:
                    break
    return {"files": listed[:MOST_LISTED], "is_cut": len(listed) > MOST_LISTED}


def _kind(mode: int) -> str:
    return {0o040000: "folder", 0o100000: "file", 0o120000: "link"}.get(mode & 0o170000, "other")


def _read(folders: Folders, asked: Mapping[str, Any], line: Line) -> Mapping[str, Any]:
    start, length = int(asked.get("start", 0)), min(int(asked.get("length", LARGEST)), 64 * LARGEST)
    with folders.opened(asked["name"]) as folder:
        descriptor, found = beneath.open_file(folder, asked["path"])
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            file.seek(start)
            _send(file.read, line, most=length)
    return {"size": found.st_size, "mode": PROGRAM if found.st_mode & 0o100 else "100644"}


def _send(read: Callable[[int], bytes], line: Line, *, most: int) -> None:
    while most > 0 and (piece := read(min(PIECE, most))):
        line.give("D", piece)
        most -= len(piece)


def _remove(folders: Folders, asked: Mapping[str, Any], _line: Line) -> Mapping[str, Any]:
    with folders.opened(asked["name"]) as folder:
        return {"was_there": beneath.remove(folder, asked["path"])}


def _search(folders: Folders, asked: Mapping[str, Any], _line: Line) -> Mapping[str, Any]:
    with folders.opened(asked["name"]) as folder:
        return searching.search(folder, asked)


def _get(folders: Folders, asked: Mapping[str, Any], line: Line) -> None:
    with folders.opened(asked["name"]) as folder:
        for path in asked["paths"]:
            for kind, payload in _file(folder, str(path)):
                line.give(kind, payload)
        line.give("E")


def _file(folder: int, path: str) -> Iterator[tuple[str, bytes]]:
    *above, name = beneath.steps_of(path)
    with beneath.opened_folder(folder, above) as inner:
        try:
            text = os.readlink(name, dir_fd=inner).encode("utf-8", "surrogateescape")
        except OSError:
            descriptor, found = beneath.open_in(inner, name, shown=path)
        else:
            yield "F", json.dumps({"path": path, "mode": LINK, "size": len(text)}).encode()
            yield "D", text
            return
    mode = PROGRAM if found.st_mode & 0o100 else "100644"
    yield "F", json.dumps({"path": path, "mode": mode, "size": found.st_size}).encode()
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        left = found.st_size
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield "D", piece
    # One that grew shorter meanwhile: whoever takes it sees that its hash is another.
    while left:
        yield "D", bytes(min(PIECE, left))
        left -= min(PIECE, left)


def _put(folders: Folders, asked: Mapping[str, Any], line: Line) -> Mapping[str, Any]:
    with folders.opened(asked["name"]) as folder:
        # Emptying one is always let: it makes room.
        if asked.get("clean") is not True:
            folders.refuse_more()
        folders.mark(asked["name"], None)
        if asked.get("clean") is True:
            beneath.empty(folder)
        for path in asked.get("gone", []):
            beneath.prune(folder, str(path))
        files, spent = folders.usage(asked["name"])
        while (message := line.take()) is not None and message[0] == "F":
            told = json.loads(message[1])
            files, spent = files + 1, spent + int(told["size"])
            _refuse_too_much(folders.quota, files, spent, size=int(told["size"]))
            _take_in(folder, told, line)
        if message is None or message[0] != "E":
            raise AskInvalid("The files broke off.")
        folders.note_size(asked["name"], spent)
    return {"files": files, "bytes": spent}


def _refuse_too_much(quota: Quota, files: int, spent: int, *, size: int) -> None:
    if size > quota.file_bytes:
        raise full(f"one file may have {quota.file_bytes} bytes")
    if files > quota.files or spent > quota.bytes:
        raise full(f"it may hold {quota.files} files and {quota.bytes} bytes")


def _take_in(folder: int, told: Mapping[str, Any], line: Line) -> None:
    path, mode, left = str(told["path"]), told["mode"], int(told["size"])
    if mode == LINK:
        text = _exactly(line, left) if left <= 4096 else b""
        beneath.new_link(folder, path, text=text.decode("utf-8", "surrogateescape"))
        return
    if mode == "040000":
        with beneath.opened_folder(folder, beneath.steps_of(path), make=True):
            return
    descriptor = beneath.new_file(folder, path, is_program=mode == PROGRAM)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        while left > 0:
            piece = _piece(line)
            left -= len(piece)
            if left < 0:
                raise AskInvalid("A file is longer than was said.")
            file.write(piece)


def _exactly(line: Line, size: int) -> bytes:
    whole = b""
    while len(whole) < size:
        whole += _piece(line)
    return whole[:size]


def _piece(line: Line) -> bytes:
    message = line.take()
    if message is None or message[0] != "D" or not message[1]:
        raise AskInvalid("A file broke off.")
    return message[1]


def _drop(folders: Folders, asked: Mapping[str, Any], _line: Line) -> None:
    folders.drop(asked["name"])


DOINGS: Mapping[str, Callable[[Folders, Mapping[str, Any], Line], Mapping[str, Any] | None]] = {
    "standing": _standing,
    "mark": _mark,
    "scan": _scan,
    "usage": _usage,
    "list": _list,
    "read": _read,
    "remove": _remove,
    "search": _search,
    "get": _get,
    "put": _put,
    "drop": _drop,
}


def main() -> None:
    """Serve the folders at a place on disk, at a socket: both are the arguments."""
    door = FolderDoor(Folders(Path(sys.argv[1])), Path(sys.argv[2]))
    door.serve(door.listen())


if __name__ == "__main__":
    main()
