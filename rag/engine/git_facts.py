# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What git says of commits, trees and lines, read: revisions, files, differences, who changed what last."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rag.engine.ports import Blame, Revision

FILE_MODES = frozenset({"100644", "100755", "100664"})
COMMIT_FORMAT = "%x01%H%x02%ct%x02%aN%x02%s"
TIME_FORMAT = "%x01%ct"
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
    """What is another at a path between two commits: its content's name now; ``is_removal``: nothing stands there."""

    path: str
    oid: str = ""
    moved_from: str = ""
    is_removal: bool = False


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


def read_last_changes(records: Iterable[str]) -> Mapping[str, datetime]:
    """Read when each path was changed last: ``git log --name-only -z`` in ``TIME_FORMAT``, newest first."""
    found: dict[str, datetime] = {}
    at = datetime.fromtimestamp(0, UTC)
    for record in records:
        line = record.lstrip("\n")
        if line.startswith("\x01"):
            said, _, line = line[1:].partition("\n")
            at = moment_of(said)
        if line:
            found.setdefault(line, at)
    return found


def read_blame(lines: Iterable[str]) -> Iterator[Blame]:
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
            yield _blamed(commit, about, lines=(first, first + count - 1))
        else:
            about[word] = rest


def _head(said: str) -> tuple[str, datetime, str, str]:
    commit, at, author, subject = said.replace("\0", "").strip("\n").lstrip("\x01").split("\x02", 3)
    return commit, moment_of(at), author, subject


def _blamed(commit: str, about: Mapping[str, str], *, lines: tuple[int, int]) -> Blame:
    at = moment_of(about.get("committer-time", "0"))
    return Blame(lines, commit, at, about.get("author", ""), about.get("summary", ""))


def moment_of(seconds: str) -> datetime:
    """Return a moment as commits say it. One that no calendar knows is taken for the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
