# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Folders that jobs work in: whatever a job made of one, nobody who reads or writes there is led out of it."""

import errno
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import beneath
from sandbox.errors import AskInvalid, Refused
from sandbox.folder_door import FolderDoor, Line
from sandbox.folders import FILE, FOLDER, LINK, MOST_REMEMBERED, PROGRAM, Folders, Quota
from sandbox.searching import is_named, search


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "folders", quota=Quota(bytes=100_000, files=50, file_bytes=60_000))


@pytest.fixture
def place(folders: Folders) -> Path:
    return folders.place("mine")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Something outside that must neither be read nor changed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("MARKER-7f3")
    return outside / "secret"


def write(folders: Folders, path: str, content: bytes = b"x") -> None:
    with folders.opened("mine") as folder:
        os.write(beneath.new_file(folder, path), content)


def read(folders: Folders, path: str) -> bytes:
    with folders.opened("mine") as folder:
        descriptor, found = beneath.open_file(folder, path)
        try:
            return os.read(descriptor, found.st_size)
        finally:
            os.close(descriptor)


def test_what_a_folder_holds(folders: Folders, place: Path) -> None:
    write(folders, "src/app.py", b"print()\n")
    (place / "src" / "run").write_bytes(b"#!")
    (place / "src" / "run").chmod(0o755)
    (place / "hollow" / "deep").mkdir(parents=True)
    os.symlink("../../etc/passwd", place / "link")
    os.mkfifo(place / "pipe")
    scan = folders.scan("mine")
    assert {path: (mode, size) for path, (mode, _, size) in scan.files.items()} == {
        "src/app.py": (FILE, 8),
        "src/run": (PROGRAM, 2),
        "hollow/deep": (FOLDER, 0),
        "link": (LINK, 16),
    }
    assert scan.left_out == [("pipe", "no regular file")]


def test_a_hash_is_never_taken_from_memory_where_the_file_changed(folders: Folders, place: Path) -> None:
    write(folders, "f", b"before")
    first = folders.scan("mine").files["f"]
    # The same length within the same moment, with the times put back.
    times = (place / "f").stat()
    (place / "f").write_bytes(b"behind")
    os.utime(place / "f", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert folders.scan("mine").files["f"] != first


@pytest.mark.parametrize("path", ["link", "to/secret", "hop/to/secret", "pipe", "src", "self/x", "missing"])
def test_nobody_who_reads_is_led_out(folders: Folders, place: Path, secret: Path, path: str) -> None:
    (place / "src").mkdir()
    (place / "hop").mkdir()
    os.symlink(secret, place / "link")
    os.symlink(secret.parent, place / "to")
    os.symlink(secret.parent, place / "hop" / "to")
    os.symlink("self", place / "self")
    os.mkfifo(place / "pipe")
    with pytest.raises(Refused):
        read(folders, path)
    # The positive control: what these lead to can be read by who follows them.
    assert (place / "link").read_text() == "MARKER-7f3"


@pytest.mark.parametrize(
    "path", ["../outside/secret", "/etc/passwd", "a/../../outside/secret", "", "a//b", "x\x00", "a/" * 61]
)
def test_no_path_leads_out(folders: Folders, secret: Path, path: str) -> None:
    for doing in (read, write):
        with pytest.raises(AskInvalid):
            doing(folders, path)
    assert secret.read_text() == "MARKER-7f3"


def test_nobody_who_writes_is_led_out(folders: Folders, place: Path, secret: Path) -> None:
    os.symlink(secret, place / "link")
    os.symlink(secret.parent, place / "to")
    write(folders, "link", b"mine now")
    with pytest.raises(Refused):
        write(folders, "to/secret", b"overwritten")
    with folders.opened("mine") as folder:
        with pytest.raises(Refused):
            beneath.remove(folder, "to/secret")
        beneath.prune(folder, "to/secret")
        beneath.empty(folder)
    assert secret.read_text() == "MARKER-7f3"
    assert list(place.iterdir()) == []


def test_a_folder_is_emptied_whatever_its_modes_are(folders: Folders, place: Path) -> None:
    inner = place / "shut" / "tight"
    inner.mkdir(parents=True)
    (inner / "f").write_text("x")
    inner.chmod(0)
    inner.parent.chmod(0)
    folders.drop("mine")
    assert not any(folders.root.iterdir())


def test_a_folder_that_grew_too_large_is_told_so(folders: Folders, place: Path) -> None:
    write(folders, "sparse")
    os.truncate(place / "sparse", 10 * 1024**3)
    with pytest.raises(Refused, match="larger than the 60000 bytes"):
        folders.scan("mine")
    # Nothing of it stands on the disk, so no job need be ended for it.
    folders.refuse_full("mine")
    (place / "sparse").unlink()
    for number in range(51):
        write(folders, f"d/{number}")
    with pytest.raises(Refused, match="50 files") as refused:
        folders.refuse_full("mine")
    assert refused.value.code == "folder_full"


def test_a_mark_says_that_a_state_is_known_and_nothing_else(folders: Folders) -> None:
    assert folders.mark_of("mine") is None
    folders.mark("mine", "abc")
    assert Folders(folders.root).mark_of("mine") == "abc"
    folders.mark("mine", None)
    assert folders.mark_of("mine") is None


def test_folders_that_nobody_comes_back_to_go(folders: Folders) -> None:
    for name in ("old", "busy", "young"):
        folders.place(name)
    for name in ("old", "busy"):
        os.utime(folders.root / name, (0, 0))
    # Neither what the file system put there itself nor what has gone since stops it.
    (folders.root / "LOST").mkdir()
    (folders.root / "gone").symlink_to("nowhere")
    os.utime(folders.root / "LOST", (0, 0))
    assert folders.sweep(idle_seconds=60, but=["busy"]) == ["old"]
    assert sorted(each.name for each in folders.root.iterdir()) == ["LOST", "busy", "gone", "young"]


def test_no_more_is_remembered_than_is_of_use(folders: Folders) -> None:
    folders.place("mine")
    with folders.opened("mine"):
        for number in range(MOST_REMEMBERED * 2):
            folders.place(f"run-{number}")
        assert len(folders._known) <= MOST_REMEMBERED + 1
        # Somebody has its lock: whoever comes next waits for this one.
        assert folders._known["mine"].users == 1
    assert len(folders._known) <= MOST_REMEMBERED


def test_all_folders_together_hold_what_they_may_and_no_more(tmp_path: Path) -> None:
    # given
    folders = Folders(tmp_path / "folders", quota=Quota(all_bytes=3))
    write(folders, "f", b"1234")
    assert folders.usage("mine")[1] > 0
    # when somebody wants more, then it is said why there is none
    with pytest.raises(Refused, match="of all runs together hold"):
        folders.place("other")
    # Nor is that forgotten with the process.
    again = Folders(folders.root, quota=folders.quota)
    again.look_over(idle_seconds=60)
    with pytest.raises(Refused, match="of all runs together hold"):
        again.place("other")
    # What goes makes room.
    again.drop("mine")
    again.place("other")


def test_the_door_outlives_a_lack_of_descriptors(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    came: list[object] = [OSError(errno.EMFILE, "Too many open files")]
    monkeypatch.setattr("sandbox.folder_door.SHORT_SECONDS", 0.01)
    door, served = FolderDoor(folders, Path("unused")), threading.Event()
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(door, "answer", lambda _end: served.set())

    class Listening:
        number = 3

        def settimeout(self, _seconds: float) -> None: ...

        def fileno(self) -> int:
            return self.number

        def accept(self) -> tuple[socket.socket, str]:
            if came:
                raise came.pop()  # type: ignore[misc]
            self.number = -1
            return theirs, ""

    # when
    door.serve(Listening())  # type: ignore[arg-type]
    # then
    assert served.wait(10)
    ours.close()
    theirs.close()


def test_names_of_folders_are_names(folders: Folders) -> None:
    for name in ("", "..", "a/b", ".gone-x", "A", "x" * 81):
        with pytest.raises(AskInvalid):
            folders.place(name)


def test_finding_lines_and_names(folders: Folders, place: Path, secret: Path) -> None:
    write(folders, "src/app.py", b"def add(a, b):\n    return a - b\n")
    write(folders, "README", b"add things\n")
    write(folders, "image.png", b"add\x00\xff")
    os.symlink(secret, place / "link.py")
    with folders.opened("mine") as folder:
        assert search(folder, {"text": "add"})["matches"] == [
            ["README", 1, "add things"],
            ["src/app.py", 1, "def add(a, b):"],
        ]
        assert search(folder, {"text": r"return \w", "is_pattern": True, "glob": "*.py"})["matches"][0][1] == 2
        assert search(folder, {"glob": "*.py"})["matches"] == [["src/app.py", 0, ""]]
        assert search(folder, {"text": "ADD", "any_case": True, "most": 1}) == {
            "matches": [["README", 1, "add things"]],
            "is_cut": True,
        }
        assert search(folder, {"text": "MARKER"})["matches"] == []
        with pytest.raises(AskInvalid, match="cannot be read"):
            search(folder, {"text": "(", "is_pattern": True})
    assert is_named("src/a/test_x.py", "src/**/test_*.py")
    assert not is_named("lib/x.py", "src/*.py")


def test_a_pattern_that_never_ends_is_ended(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.searching.WALL_SECONDS", 1)
    write(folders, "f", b"a" * 40 + b"!\n")
    with folders.opened("mine") as folder, pytest.raises(Refused, match="too long"):
        search(folder, {"text": "(a+)+$", "is_pattern": True})


def test_what_searches_is_a_python_that_may_be_started(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.searching.PYTHONS", ("/nowhere/python3", sys.executable))
    monkeypatch.setattr(sys, "executable", "/root/nobody/enters/python3")
    write(folders, "f", b"add\n")
    with folders.opened("mine") as folder:
        assert search(folder, {"text": "add"})["matches"] == [["f", 1, "add"]]


@pytest.fixture
def line(folders: Folders) -> Iterator[Line]:
    """One who asks at the door."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=FolderDoor(folders, Path("unused")).answer, args=[theirs])
    thread.start()
    with ours:
        yield Line(ours)
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(line: Line, do: str, **more: Any) -> tuple[str, Any]:
    line.tell("A", {"do": do, "name": "mine", **more})
    while (message := line.take()) is not None and message[0] not in "RX":
        pass
    assert message is not None
    return message[0], json.loads(message[1])


def test_the_door_says_no_and_goes_on(line: Line) -> None:
    assert ask(line, "read", path="nothing")[1]["code"] == "no_file"
    assert ask(line, "read", path="../x")[1]["code"] == "ask_invalid"
    assert ask(line, "dance")[0] == "X"
    assert ask(line, "usage") == ("R", {"files": 0, "bytes": 0, "most_files": 50, "most_bytes": 100_000})


def test_a_stranger_is_not_answered(folders: Folders) -> None:
    for peers, answer in ((frozenset({os.geteuid()}), "R"), (frozenset({os.geteuid() + 1}), None)):
        ours, theirs = socket.socketpair()
        FolderDoor(folders, Path("unused"), peers=peers)._admit(theirs)
        with ours:
            line = Line(ours)
            if answer:
                line.tell("A", {"do": "usage", "name": "mine"})
            message = line.take()
            assert (message and message[0]) == answer


def test_more_than_fits_is_refused_before_it_is_written(line: Line, place: Path) -> None:
    line.tell("A", {"do": "put", "name": "mine"})
    line.tell("F", {"path": "bomb", "mode": FILE, "size": 10 * 1024**3})
    message = line.take()
    assert message is not None
    assert json.loads(message[1])["code"] == "folder_full"
    assert list(place.iterdir()) == []


def test_a_file_longer_than_was_said_is_refused(line: Line) -> None:
    line.tell("A", {"do": "put", "name": "mine"})
    line.tell("F", {"path": "f", "mode": FILE, "size": 3})
    line.give("D", b"12345")
    message = line.take()
    assert message is not None
    assert json.loads(message[1])["code"] == "ask_invalid"
