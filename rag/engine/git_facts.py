# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What git says of commits, trees and lines, read: revisions, files, differences, who changed what last."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rag.engine.ports import Revision

FILE_MODES = frozenset({"100644", "100755", "100664"})
COMMIT_FORMAT = "%x01%H%x02%ct%x02%aN%x02%s"
LFS_MARK = b"version https://git-lfs.github.com/spec/v1\n"
LARGEST_POINTER = 1024
_BLAMED = re.compile(r"([0-9a-f]{40,64}) (\d+) (\d+)(?: (\d+))?")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of a commit. ``size`` is None where its content was left out of what was fetched."""

    path: str
    oid: str
    size: int | None


@dataclass(frozen=True, slots=True)
class PathChange:
    """What one commit, or all between two, did to a path. ``added`` and ``removed`` count lines, where they are known.

    ``is_removal``: nothing stands there any more.
    """

    path: str
    oid: str = ""
    moved_from: str = ""
    added: int | None = None
    removed: int | None = None
    is_removal: bool = False


@dataclass(frozen=True, slots=True)
class CommitFact:
    """One commit and what it changed."""

    commit: str
    at: datetime
    author: str
    subject: str
    changes: tuple[PathChange, ...]


@dataclass(frozen=True, slots=True)
class BlamedLines:
    """Lines (from 1, both included) that one commit wrote last."""

    first: int
    last: int
    commit: str
    at: datetime
    author: str
    subject: str


def read_revision(said: str, *, branch: str) -> Revision:
    """Read a commit that was written by ``COMMIT_FORMAT``."""
    commit, at, author, subject = _head(said)
    return Revision(commit, commit, branch[:255], at, author[:254], subject[:300])


def read_tree(records: Iterable[str]) -> Iterator[TreeFile]:
    """Yield the files that ``git ls-tree -r -l -z`` tells of; submodules and symbolic links are none."""
    for record in records:
        about, _, path = record.partition("\t")
        mode, kind, oid, size = (*about.split(), "")[:4]
        if kind == "blob" and mode in FILE_MODES:
            yield TreeFile(path, oid, int(size) if size.isdigit() else None)


def read_differences(records: Iterable[str]) -> Iterator[PathChange]:
    """Yield what ``git diff-tree -r -z --raw`` tells: a change, or a removal, for each path; of a move both."""
    stream = iter(records)
    for record in stream:
        if not record.startswith(":"):
            continue
        _, mode, _, oid, status = record.split(" ")
        path = next(stream)
        moved_from = ""
        if status[0] in "RC":
            moved_from, path = path, next(stream)
        if status[0] == "R":
            yield PathChange(moved_from, is_removal=True)
        if status[0] == "D" or mode not in FILE_MODES:
            yield PathChange(path, is_removal=True)
        else:
            yield PathChange(path, oid, moved_from if status[0] == "R" else "")


def read_commits(records: Iterable[str]) -> Iterator[CommitFact]:
    """Yield the commits that ``git log --numstat -z`` tells of in ``COMMIT_FORMAT``, as they come."""
    head = ""
    changes: list[PathChange] = []
    stream = iter(records)
    for record in stream:
        line = record.lstrip("\n")
        if line.startswith("\x01"):
            if head:
                yield _commit(head, changes)
            head, _, line = line.partition("\n")
            changes = []
        if line.count("\t") >= 2:
            changes.append(_counted(line, stream))
        elif line:
            changes.append(PathChange(line))
    if head:
        yield _commit(head, changes)


def read_blame(lines: Iterable[str]) -> Iterator[BlamedLines]:
    """Yield the runs of lines that ``git blame --incremental`` tells of, in no order."""
    known: dict[str, dict[str, str]] = {}
    about: dict[str, str] = {}
    commit, first, count = "", 0, 0
    for line in lines:
        if found := _BLAMED.fullmatch(line):
            commit, first, count = found[1], int(found[3]), int(found[4] or 1)
            about = known.setdefault(commit, {})
            continue
        word, _, rest = line.partition(" ")
        if word == "filename":
            yield _blamed(commit, about, first=first, count=count)
        else:
            about[word] = rest


def last_changes(commits: Iterable[CommitFact]) -> Mapping[str, datetime]:
    """Return when each path was changed last; commits come newest first."""
    found: dict[str, datetime] = {}
    for commit in commits:
        for change in commit.changes:
            found.setdefault(change.path, commit.at)
    return found


def _commit(head: str, changes: list[PathChange]) -> CommitFact:
    commit, at, author, subject = _head(head)
    return CommitFact(commit, at, author, subject, tuple(changes))


def _head(said: str) -> tuple[str, datetime, str, str]:
    commit, at, author, subject = said.strip("\n\0").lstrip("\x01").split("\x02", 3)
    return commit, _moment(at), author, subject


def _counted(line: str, stream: Iterator[str]) -> PathChange:
    added, removed, path = line.split("\t", 2)
    moved_from = ""
    if not path:
        moved_from, path = next(stream), next(stream)
    count = [int(each) if each.isdigit() else None for each in (added, removed)]
    return PathChange(path, moved_from=moved_from, added=count[0], removed=count[1])


def _blamed(commit: str, about: Mapping[str, str], *, first: int, count: int) -> BlamedLines:
    at = _moment(about.get("committer-time", "0"))
    return BlamedLines(first, first + count - 1, commit, at, about.get("author", ""), about.get("summary", ""))


def _moment(seconds: str) -> datetime:
    # Commits say what they like: a moment no calendar knows is taken for the beginning of time.
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
