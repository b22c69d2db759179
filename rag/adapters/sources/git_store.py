# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The objects of a repository as far as they were fetched, in a bare repository of our own making.

It is a cache: where it is gone, or has grown crooked, the next reading fetches anew. A commit counts as had once its
mark is written, which is after its pack; what a process left half done when it died is cleared away.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path
from typing import IO

from rag.adapters.incoming import clear_storage_errors
from rag.adapters.sources.git_process import Git, GitLimits
from rag.adapters.sources.git_remote import Remote
from rag.engine.git_facts import (
    COMMIT_FORMAT,
    TIME_FORMAT,
    PathChange,
    TreeFile,
    read_blame,
    read_differences,
    read_last_changes,
    read_revision,
    read_tree,
)
from rag.engine.git_log import LOG_WORDS, NAMES_WORDS, lines_of, read_log, read_names
from rag.engine.git_wire import Advertisement, PackAnswer, Wanted, ask_pack
from rag.engine.ports import Blame, PastChange, Revision
from rag.errors.sources import GitFailed, SourceUnreachable

MOST_PACKS = 60
MOST_COMMITS = 1_000
_MOST_PATHS = 100_000
"""So many paths are told of one commit: a tree may name the same tree again and again, and have no end."""
_MOST_RECORDS = 500_000
_MOST_HAD = 16
_LOCK_SECONDS = 1_500.0
_PIECE_BYTES = 256 * 1024


class GitStore:
    """Keeps commits of one repository in a folder."""

    def __init__(self, folder: Path, *, where: str, limits: GitLimits | None = None) -> None:
        self._folder = folder / "repository"
        self._lock = folder / "lock"
        self._where = where
        self._git = Git(self._folder, limits=limits) if limits else Git(self._folder)
        self._sizes = _Talk(self._git, "--batch-check")
        self._contents = _Talk(self._git, "--batch")

    def has(self, commit: str) -> bool:
        """Tell whether a commit was fetched."""
        return bool(commit) and commit.isalnum() and self._mark(commit).exists()

    def is_there(self) -> bool:
        """Tell whether anything was fetched."""
        return (self._folder / "HEAD").exists()

    def fetch(self, remote: Remote, advertised: Advertisement, *, commit: str, depth: int, blob_bytes: int) -> None:
        """Fetch a commit and ``depth`` commits before it, without files larger than ``blob_bytes``.

        Raises what the remote raises, SourceOverLimit, GitFailed, StorageFull.
        """
        with self._held():
            if self.has(commit):
                return
            self._prepare(advertised.object_format)
            wanted = Wanted(commit, had=self._had(), shallow=self._shallow(), depth=depth, blob_bytes=blob_bytes)
            with remote.ask(ask_pack(advertised, wanted)) as pieces:
                answer = PackAnswer(pieces)
                self._git.take(answer.pack(), "index-pack", "--stdin", "--fix-thin", "--threads=1")
            self._write_shallow(answer)
            with clear_storage_errors():
                self._mark(commit).write_text(f"{commit}\n")

    def revision(self, commit: str, *, branch: str) -> Revision:
        """Return what is known of a commit. Raises GitFailed."""
        said = self._git.run("log", "-1", "--no-color", f"--format={COMMIT_FORMAT}", commit, "--")
        return read_revision(said, branch=branch)

    def files(self, commit: str) -> Iterator[TreeFile]:
        """Yield the files of a commit. Raises GitFailed."""
        return read_tree(self._git.records("ls-tree", "-r", "-l", "-z", "--full-tree", commit))

    def differences(self, before: str, after: str, *, most: int) -> list[PathChange]:
        """Return what is another between two commits, so many changes at most. Raises GitFailed."""
        words = ("diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-ext-diff")
        try:
            return list(islice(read_differences(self._git.records(*words, "-M", "-l1000", before, after, "--")), most))
        except GitFailed:
            # To find what moved, contents are compared, and those of large files are not here.
            return list(islice(read_differences(self._git.records(*words, "--no-renames", before, after, "--")), most))

    def follows(self, after: str, before: str) -> bool:
        """Tell whether a commit came of another, as far as is known here: not after the history was written anew."""
        try:
            self._git.run("merge-base", "--is-ancestor", before, after)
        except GitFailed:
            return False
        return True

    def last_changes(self, newest: str, *, since: str = "", most: int) -> Mapping[str, datetime]:
        """Return when each path was changed last, by the commits down to ``since``. Raises GitFailed."""
        words = ["log", "-z", "--no-color", "--name-only", "--no-renames", f"--format={TIME_FORMAT}"]
        span = [newest, f"^{since}"] if since else [newest]
        records = self._git.records(*self._roots(), *words, f"--max-count={most}", *span, "--")
        return read_last_changes(islice(records, _MOST_RECORDS))

    def changes(self, *, since: str, until: str) -> Iterator[PastChange]:
        """Yield what commits changed, oldest first, after ``since`` to ``until``. Raises GitFailed.

        Where a patch cannot be made, for a large file's content is not here, it goes on without lines.
        """
        span = [f"--max-count={MOST_COMMITS}", *([until, f"^{since}"] if since else [until])]
        told = 0
        try:
            for commit in _by_commit(read_log(self._log(*LOG_WORDS, *span))):
                told += 1
                yield from commit
        except GitFailed:
            for commit in islice(_by_commit(read_names(self._log(*NAMES_WORDS, *span))), told, None):
                yield from commit

    def blame(self, path: str, *, commit: str, lines: tuple[int, int]) -> list[Blame]:
        """Return which commits wrote these lines of a file last, as far back as was fetched. Raises GitFailed."""
        said = self._git.run("blame", "--incremental", f"-L{lines[0]},{lines[1]}", commit, "--", path)
        return sorted(read_blame(said.splitlines()), key=lambda run: run.lines)

    def _log(self, *words: str) -> Iterator[str]:
        return lines_of(self._git.stream(*self._roots(), *words, "--"))

    def _roots(self) -> Sequence[str]:
        # The oldest commit that was fetched has no parents here: it would seem to have made everything.
        return ("-c", f"log.showRoot={'false' if self._shallow() else 'true'}")

    def sizes(self, oids: Sequence[str]) -> dict[str, int]:
        """Return the size of each content; without those that are not here. Raises GitFailed."""
        said = b"".join(self._git.stream("cat-file", "--batch-check", "--buffer", stdin=_lines(oids))).decode()
        parted = (line.split(" ") for line in said.splitlines())
        return {oid: int(size) for oid, kind, size, *_ in ((*each, "", "") for each in parted) if kind == "blob"}

    def find(self, path: str, *, commit: str) -> tuple[str, int] | None:
        """Return (name, size) of the file at a path of a commit; None where there is none, or it was left out."""
        if "\n" in path or "\0" in path:
            return None
        return self._sizes.ask(f"{commit}:{path}")

    def content(self, oid: str) -> Iterator[bytes]:
        """Yield a content in pieces. Raises GitFailed where it is not here."""
        found = self._contents.ask(oid)
        if found is None:
            raise GitFailed("cat-file", said=f"{oid} is missing")
        return self._contents.pieces(found[1])

    def close(self) -> None:
        """End what answers questions."""
        self._sizes.close()
        self._contents.close()

    def forget(self) -> None:
        """Let go of everything that was fetched."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prepare(self, object_format: str) -> None:
        packs = self._folder / "objects" / "pack"
        if packs.is_dir() and len(list(packs.glob("*.pack"))) > MOST_PACKS:
            # Each fetch adds one. To pack them anew takes what was left out of them: fetching is cheaper.
            self.forget()
        if not self._folder.is_dir():
            with clear_storage_errors():
                self._folder.mkdir(mode=0o700, parents=True)
        if not self.is_there():
            self._git.run("init", "-q", "--bare", f"--object-format={object_format}")
        with clear_storage_errors():
            self._marks.mkdir(exist_ok=True)
        for left in packs.glob("tmp_*"):
            left.unlink(missing_ok=True)

    @property
    def _marks(self) -> Path:
        return self._folder / "had"

    def _mark(self, commit: str) -> Path:
        return self._marks / commit

    def _had(self) -> list[str]:
        marks = sorted(self._marks.iterdir(), key=lambda mark: mark.stat().st_mtime, reverse=True)
        return [mark.name for mark in marks[:_MOST_HAD]]

    def _shallow(self) -> list[str]:
        with suppress(FileNotFoundError):
            return (self._folder / "shallow").read_text().split()
        return []

    def _write_shallow(self, answer: PackAnswer) -> None:
        old = set(self._shallow())
        new = (old | answer.shallow) - answer.unshallow
        if new == old:
            return
        with clear_storage_errors():
            draft = self._folder / "shallow.draft"
            draft.write_text("".join(f"{oid}\n" for oid in sorted(new)))
            draft.replace(self._folder / "shallow")

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the folder against other processes of this machine. Raises SourceUnreachable after a long wait."""
        with clear_storage_errors():
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, where=self._where)
            yield
        finally:
            os.close(descriptor)


class _Talk:
    """A git that is asked for one object after another, begun when it is first asked."""

    def __init__(self, git: Git, how: str) -> None:
        self._git = git
        self._how = how
        self._open = ExitStack()
        self._ends: tuple[IO[bytes], IO[bytes]] | None = None
        self._left = 0

    def ask(self, name: str) -> tuple[str, int] | None:
        """Return (name, size) of a content; None where it is not here, or is none. Raises GitFailed."""
        way_in, way_out = self._ends = self._ends or self._open.enter_context(self._git.talk("cat-file", self._how))
        self._finish(way_out)
        try:
            way_in.write(f"{name}\n".encode("utf-8", "surrogateescape"))
            way_in.flush()
        except BrokenPipeError:
            raise GitFailed("cat-file", said="it ended") from None
        line = way_out.readline()
        if not line:
            raise GitFailed("cat-file", said="it ended")
        words = line.decode("utf-8", "replace").rstrip("\n").rsplit(" ", 2)
        if len(words) < 3 or not words[2].isdigit():
            return None
        if self._how == "--batch":
            # Its content follows, and a line's end: both are taken, or passed over before the next question.
            self._left = int(words[2]) + 1
        return (words[0], int(words[2])) if words[1] == "blob" else None

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the content that was asked for."""
        assert self._ends is not None  # noqa: S101 - it was asked
        left = size
        while left:
            piece = self._ends[1].read(min(left, _PIECE_BYTES))
            if not piece:
                raise GitFailed("cat-file", said="it ended")
            left -= len(piece)
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        """End it."""
        self._open.close()
        self._ends, self._left = None, 0

    def _finish(self, way_out: IO[bytes]) -> None:
        while self._left:
            piece = way_out.read(min(self._left, _PIECE_BYTES))
            if not piece:
                raise GitFailed("cat-file", said="it ended")
            self._left -= len(piece)


def _by_commit(changes: Iterable[PastChange]) -> Iterator[list[PastChange]]:
    """Yield the changes of one commit after another; of one that breaks off nothing."""
    for _, some in groupby(changes, key=lambda change: change.commit):
        yield list(islice(some, _MOST_PATHS))


def _lock(descriptor: int, *, where: str) -> None:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise SourceUnreachable(where, because="another process has been fetching it for long") from None
            time.sleep(0.2)
        else:
            return


def _lines(words: Sequence[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode("utf-8", "surrogateescape")
