# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Folders that jobs work in, kept for as long as somebody comes back to them.

A folder is a place to work, not a place to keep: whoever needs what is in it keeps a copy. So one may go whenever
nobody has used it for long, and what a job did to it is undone by putting the copy back.
"""

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock

from sandbox import beneath
from sandbox.errors import AskInvalid, Refused

FILE, PROGRAM, LINK, FOLDER = "100644", "100755", "120000", "040000"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
PIECE = 1_048_576
MOST_LEFT_OUT = 50
MOST_REMEMBERED = 64
# What changed just now may change once more within what the file system takes for the same moment.
_SETTLED_NS = 50_000_000

State = tuple[str, str, int]
"""Mode, SHA-256 in hex, size."""
_Seen = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one folder may hold, and all of them together."""

    bytes: int = 1 << 30
    files: int = 50_000
    file_bytes: int = 256 << 20
    all_bytes: int = 20 << 30


@dataclass(slots=True)
class Scan:
    """What a folder holds, and what of it is nothing that is kept, with why."""

    files: dict[str, State] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def leave(self, found: beneath.Found, *, because: str) -> None:
        """Leave something out, and say so."""
        if len(self.left_out) < MOST_LEFT_OUT:
            self.left_out.append((found.path.encode("utf-8", "replace").decode()[:500], because))


@dataclass(slots=True)
class _Remembered:
    """What is known of a folder between two looks."""

    lock: RLock = field(default_factory=RLock)
    hashes: dict[str, tuple[_Seen, str]] = field(default_factory=dict)
    users: int = 0


class Folders:
    """Named folders beneath one place on disk. Safe to use from several threads: calls for one folder take turns."""

    def __init__(self, root: Path, *, quota: Quota = Quota()) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root
        self.quota = quota
        self._known: dict[str, _Remembered] = {}
        self._sizes: dict[str, int] = {}
        self._lock = Lock()

    def place(self, name: str) -> Path:
        """Return where a folder's files lie, for a job to be given; made where it is not there.

        Raises AskInvalid, Refused where all folders together hold what they may.
        """
        with self.opened(name):
            self.refuse_more()
            return self._home(name) / "files"

    @contextmanager
    def opened(self, name: str) -> Iterator[int]:
        """Give a folder, open; made where it is not there. Others wait for it meanwhile. Raises AskInvalid."""
        home = self._home(name)
        with self._held(name):
            (home / "files").mkdir(mode=0o755, parents=True, exist_ok=True)
            os.utime(home)
            descriptor = os.open(home / "files", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    def mark_of(self, name: str) -> str | None:
        """Return the mark that was put on the folder's present state; None where it has none, or something was done."""
        with suppress(OSError, ValueError, KeyError):
            return str(json.loads((self._home(name) / "mark.json").read_text(encoding="utf-8"))["mark"])
        return None

    def mark(self, name: str, mark: str | None) -> None:
        """Say that the folder's state is the one known as ``mark``; with None, that it may be any from now on."""
        with self.opened(name):
            place = self._home(name) / "mark.json"
            if mark is None:
                place.unlink(missing_ok=True)
                return
            draft = place.with_suffix(".new")
            draft.write_text(json.dumps({"mark": mark}), encoding="utf-8")
            draft.rename(place)

    def scan(self, name: str) -> Scan:
        """Look at everything in a folder. Raises Refused where it holds more than it may."""
        with self._held(name) as remembered, self.opened(name) as folder:
            scan, spent = Scan(), 0
            for found in beneath.walk(folder):
                state = _state(found, scan, known=remembered, quota=self.quota)
                if state is not None:
                    scan.files[found.path] = state
                    spent += state[2]
                    self._check(len(scan.files), spent)
            self._sizes[name] = spent
            _add_empty_folders(folder, scan)
            remembered.hashes = {path: seen for path, seen in remembered.hashes.items() if path in scan.files}
            return scan

    def usage(self, name: str) -> tuple[int, int]:
        """Return how many files a folder has, and how many bytes; looks no further once it is over its quota."""
        files = spent = 0
        home = self._home(name) / "files"
        if not home.is_dir():
            return 0, 0
        # Without the lock: it is asked while a job works there.
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for found in beneath.walk(descriptor):
                files += 1
                # What stands on the disk: a file may say that it is longer than it is.
                spent += min(found.stat.st_size, found.stat.st_blocks * 512) if stat.S_ISREG(found.stat.st_mode) else 0
                if files > self.quota.files or spent > self.quota.bytes:
                    break
        finally:
            os.close(descriptor)
        self._sizes[name] = spent
        return files, spent

    def refuse_more(self) -> None:
        """Do nothing while all folders together hold less than they may, as last seen. Raises Refused."""
        held = sum(self._sizes.copy().values())
        if held >= self.quota.all_bytes:
            raise Refused(
                "folder_full",
                f"The workspaces of all runs together hold {held} bytes, of at most {self.quota.all_bytes}. Try again "
                "when others have ended; who runs this installation can let them hold more.",
            )

    def note_size(self, name: str, spent: int) -> None:
        """Remember how much a folder holds."""
        self._sizes[name] = spent

    def look_over(self, *, idle_seconds: float) -> None:
        """At a start: let go of what nobody comes back to, and see how much the others hold."""
        self.sweep(idle_seconds=idle_seconds)
        for home in list(self.root.iterdir()):
            with suppress(OSError, AskInvalid):
                self.usage(home.name)

    def refuse_full(self, name: str) -> None:
        """Do nothing while a folder holds what it may. Raises Refused: whoever runs a job there ends it."""
        self._check(*self.usage(name))

    def drop(self, name: str) -> None:
        """Forget a folder with everything in it."""
        with self._held(name) as remembered:
            home = self._home(name)
            self._sizes.pop(name, None)
            if not home.exists():
                return
            gone = self.root / f".gone-{name}-{time.time_ns()}"
            home.rename(gone)
            remembered.hashes = {}
        # Nobody comes to it by its name any more, so nobody need wait.
        _remove_home(gone)

    def sweep(self, *, idle_seconds: float, but: Collection[str] = ()) -> list[str]:
        """Drop the folders nobody has used for so long, but those that jobs work in; return their names."""
        before, dropped = time.time() - idle_seconds, []
        for home in list(self.root.iterdir()):
            # One may go meanwhile, and what has no name of a folder is none of ours: the others go all the same.
            with suppress(OSError, AskInvalid):
                if home.name.startswith(".gone-"):
                    _remove_home(home)
                elif home.name not in but and home.stat().st_mtime < before:
                    self.drop(home.name)
                    dropped.append(home.name)
        return dropped

    def _home(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise AskInvalid("The name of a folder is of small letters, digits and dashes.")
        return self.root / name

    @contextmanager
    def _held(self, name: str) -> Iterator[_Remembered]:
        """Give what is known of a folder, to one after another."""
        with self._lock:
            # Behind the others: who stands first was longest not asked for.
            known = self._known.pop(name) if name in self._known else _Remembered()
            self._known[name] = known
            known.users += 1
        try:
            with known.lock:
                yield known
        finally:
            with self._lock:
                known.users -= 1
                # The locks that somebody has, or is about to take, stay.
                spare = [each for each, remembered in self._known.items() if not remembered.users]
                for each in spare[: max(0, len(self._known) - MOST_REMEMBERED)]:
                    del self._known[each]

    def _check(self, files: int, spent: int) -> None:
        if files > self.quota.files:
            raise full(f"it may hold {self.quota.files} files")
        if spent > self.quota.bytes:
            raise full(f"it may hold {self.quota.bytes} bytes")


def full(because: str) -> Refused:
    """Return the refusal of what is too much."""
    return Refused("folder_full", f"The workspace is full: {because}. Take less into it, such as a clone with a depth.")


def _state(found: beneath.Found, scan: Scan, *, known: _Remembered, quota: Quota) -> State | None:
    """Return what is kept of something found; None where nothing is."""
    mode = found.stat.st_mode
    try:
        found.path.encode()
    except UnicodeEncodeError:
        scan.leave(found, because="a name that is no text")
        return None
    if stat.S_ISDIR(mode):
        return None
    if stat.S_ISLNK(mode):
        text = os.readlink(found.name, dir_fd=found.folder).encode("utf-8", "surrogateescape")
        return LINK, hashlib.sha256(text).hexdigest(), len(text)
    if not stat.S_ISREG(mode):
        scan.leave(found, because="no regular file")
        return None
    if found.stat.st_size > quota.file_bytes:
        raise full(f"{found.path!r} is larger than the {quota.file_bytes} bytes that one file may have")
    return _file_state(found, scan, known=known)


def _file_state(found: beneath.Found, scan: Scan, *, known: _Remembered) -> State | None:
    seen = (found.stat.st_ino, found.stat.st_mtime_ns, found.stat.st_ctime_ns, found.stat.st_size)
    mode = PROGRAM if found.stat.st_mode & 0o100 else FILE
    before = known.hashes.get(found.path)
    if before is not None and before[0] == seen:
        return mode, before[1], found.stat.st_size
    try:
        descriptor, now = beneath.open_in(found.folder, found.name, shown=found.path)
    except Refused:
        scan.leave(found, because="not readable")
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        after = os.fstat(descriptor)
    if time.time_ns() - after.st_ctime_ns > _SETTLED_NS and after.st_ctime_ns == now.st_ctime_ns:
        known.hashes[found.path] = (seen, sha256)
    return mode, sha256, after.st_size


def _add_empty_folders(folder: int, scan: Scan) -> None:
    held = {above for path in scan.files for above in _above(path)}
    for found in beneath.walk(folder):
        is_text = found.path.isprintable()
        if stat.S_ISDIR(found.stat.st_mode) and is_text and found.path not in held:
            # Of folders within one another, none of which holds a file, the innermost says it for all.
            scan.files[found.path] = (FOLDER, "", 0)
            for above in _above(found.path):
                scan.files.pop(above, None)


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _remove_home(home: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            beneath.empty(descriptor)
        finally:
            os.close(descriptor)
        home.rmdir()


def differing(before: Mapping[str, State], after: Mapping[str, State]) -> tuple[dict[str, State], list[str]]:
    """Return what is there now and was not, or was other, and the paths of what has gone."""
    changed = {path: state for path, state in after.items() if before.get(path) != state}
    return changed, sorted(before.keys() - after.keys())
