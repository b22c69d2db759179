# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reads what git says of a repository's past: `git log` with patches, or with names alone where contents are not here.

A patch is told apart from commits by counting: each hunk says how many lines it has, and nothing inside of one is read.
So a file that holds text as of git itself says nothing here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from rag.engine.git_facts import moment_of
from rag.engine.ports import Hunk, PastChange

LOG_WORDS = (
    "log",
    "--reverse",
    "--no-merges",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-show-signature",
    "-M",
    "-l200",
    "-p",
    "-U0",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--format=%x01%H%x1f%ct%x1f%an%x1f%s",
)
"""What git is told before the revisions."""
NAMES_WORDS = ("log", "--reverse", "--no-merges", "--no-color", "--no-renames", "--name-only", LOG_WORDS[-1])
"""The same where patches cannot be had: paths without lines."""

_COMMIT, _FIELD = "\x01", "\x1f"
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "r": "\r", "v": "\v"}
_ESCAPED = re.compile(r"\\([0-7]{3}|.)")
_MOST_HUNKS = 400


@dataclass(slots=True)
class _File:
    """One file of a patch, while it is read."""

    path: str
    moved_from: str = ""
    is_removed: bool = False
    hunks: list[Hunk] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Commit:
    name: str
    at: datetime
    author: str
    subject: str


def lines_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of what git says, as it says it. One that is longer than a line of git's own is cut."""
    held = b""
    for piece in pieces:
        *whole, held = (held + piece).split(b"\n")
        yield from (line[:_LONGEST_LINE].decode("utf-8", "replace") for line in whole)
        held = held[:_LONGEST_LINE]
    if held:
        yield held.decode("utf-8", "replace")


_LONGEST_LINE = 8_000


def read_log(lines: Iterable[str]) -> Iterator[PastChange]:
    """Yield what each commit did to each path, in git's order."""
    commit: _Commit | None = None
    file: _File | None = None
    inside = 0
    for line in lines:
        if inside:
            # "\ No newline at end of file" is counted by nobody.
            inside -= not line.startswith("\\")
        elif line.startswith((_COMMIT, "diff --git ")):
            yield from _change(commit, file)
            is_commit = line.startswith(_COMMIT)
            commit, file = (_commit(line), None) if is_commit else (commit, _File(_both(line)))
        elif file is not None:
            inside = _take(file, line)
    yield from _change(commit, file)


def read_names(lines: Iterable[str]) -> Iterator[PastChange]:
    """Yield which paths each commit changed, where git was told NAMES_WORDS."""
    commit: _Commit | None = None
    for line in lines:
        if line.startswith(_COMMIT):
            commit = _commit(line)
        elif line:
            yield from _change(commit, _File(_unquoted(line)))


def _change(commit: _Commit | None, file: _File | None) -> Iterator[PastChange]:
    if commit is None or file is None or not file.path:
        return
    yield PastChange(
        path=file.path,
        commit=commit.name,
        at=commit.at,
        author=commit.author,
        subject=commit.subject,
        hunks=tuple(file.hunks),
        moved_from=file.moved_from,
        is_removed=file.is_removed,
    )


def _commit(line: str) -> _Commit | None:
    name, at, author, subject = [*line[1:].split(_FIELD, 3), "", "", ""][:4]
    return _Commit(name, moment_of(at), author, subject) if name else None


def _take(file: _File, line: str) -> int:
    """Take a line of a patch's head; return how many lines follow that are none."""
    if hunk := _HUNK.match(line):
        was, was_count, now, count = hunk[1], hunk[2] or "1", hunk[3], hunk[4] or "1"
        if len(file.hunks) < _MOST_HUNKS:
            file.hunks.append(Hunk(int(now), int(count), int(was), int(was_count)))
        return int(was_count) + int(count)
    if line.startswith("rename from "):
        file.moved_from = _unquoted(line.removeprefix("rename from "))
    elif line.startswith("rename to "):
        file.path = _unquoted(line.removeprefix("rename to "))
    elif line.startswith("+++ ") and line != "+++ /dev/null":
        file.path = _unquoted(line.removeprefix("+++ ").rstrip("\t")).removeprefix("b/")
    elif line.startswith("--- ") and line != "--- /dev/null":
        file.path = _unquoted(line.removeprefix("--- ").rstrip("\t")).removeprefix("a/")
    elif line.startswith("deleted file mode"):
        file.is_removed = True
    return 0


def _both(line: str) -> str:
    """Return the path of "diff --git a/PATH b/PATH", "" where the two are not the same."""
    rest = line.removeprefix("diff --git ")
    middle = len(rest) // 2
    first, second = _unquoted(rest[:middle]), _unquoted(rest[middle + 1 :])
    return first[2:] if first[2:] == second[2:] else ""


def _unquoted(text: str) -> str:
    if len(text) < 2 or not text.startswith('"') or not text.endswith('"'):
        return text
    raw = _ESCAPED.sub(lambda found: _escape(found[1]), text[1:-1])
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _escape(said: str) -> str:
    if said.isdigit():
        return bytes([int(said, 8) & 0xFF]).decode("utf-8", "surrogateescape")
    return _ESCAPES.get(said, said)
