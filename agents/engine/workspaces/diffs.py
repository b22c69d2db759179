# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How two states of a file read side by side: hunks of lines for people, a patch for programs."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agents.engine.workspaces.manifests import FILE, Change, FileState

LARGEST_SHOWN = 400_000
"""Bytes of a text above which its lines are not compared."""
MOST_LINES = 4_000
"""How many lines may differ at most for a file to be compared line by line: what it costs grows with their square."""
CONTEXT_LINES = 3

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
Sign = Literal[" ", "+", "-", "\\"]
Shape = Literal["text", "binary", "large"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk, with its number before and after."""

    sign: Sign
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stand together."""

    head: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file differs. Binary files and very long ones are told by their size alone."""

    change: Change
    shape: Shape
    hunks: Sequence[Hunk] = ()
    added: int = 0
    removed: int = 0

    @property
    def path(self) -> str:
        """Where the file stands."""
        return self.change.path


def diff_file(change: Change, before: bytes, after: bytes) -> FileDiff:
    """Compare the bytes of a file in two states; no bytes where nothing stood there."""
    if _is_binary(before) or _is_binary(after):
        return FileDiff(change, "binary")
    old, new = _lines(before), _lines(after)
    begin, end_old, end_new = _differing(old, new)
    if max(len(before), len(after)) > LARGEST_SHOWN or max(end_old, end_new) - begin > MOST_LINES:
        return FileDiff(change, "large")
    hunks = list(_hunks(old, new, begin=begin, ends=(end_old, end_new)))
    signs = [line.sign for hunk in hunks for line in hunk.lines]
    return FileDiff(change, "text", hunks, signs.count("+"), signs.count("-"))


def diff_bytes(path: str, before: bytes, after: bytes) -> FileDiff:
    """Compare two contents of a file that stands there before and after, unless one of them is nothing."""
    states = (FileState(FILE, "", len(content)) if content else None for content in (before, after))
    old, new = states
    return diff_file(Change(path, old, new), before, after)


def patch_of(diffs: Sequence[FileDiff]) -> str:
    """Write differences as ``git apply`` takes them. Binary and very long files are named in comments between them."""
    return "".join(_patch(diff) for diff in diffs)


def is_missing_from(diffs: Sequence[FileDiff]) -> list[str]:
    """List the files that a patch of these differences does not carry."""
    return [diff.path for diff in diffs if diff.shape != "text"]


def _is_binary(content: bytes) -> bool:
    if b"\0" in content[:8_000]:
        return True
    try:
        content[: LARGEST_SHOWN + 1].decode()
    except UnicodeDecodeError as error:
        # Cut in the middle of a character is still text.
        return error.start < min(len(content), LARGEST_SHOWN + 1) - 4
    return False


def _lines(content: bytes) -> list[str]:
    # At line feeds alone: what else might end a line would part what git and editors keep together.
    text = content.decode("utf-8", "replace")
    return text.split("\n") if text else []


def _differing(old: Sequence[str], new: Sequence[str]) -> tuple[int, int, int]:
    """Return where the two begin to differ, and where in each they end to."""
    shorter, begin = min(len(old), len(new)), 0
    while begin < shorter and old[begin] == new[begin]:
        begin += 1
    end = 0
    while end < shorter - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    return begin, len(old) - end, len(new) - end


def _hunks(old: Sequence[str], new: Sequence[str], *, begin: int, ends: tuple[int, int]) -> Iterator[Hunk]:
    # Only around what differs: the rest is as it was, however long it is.
    start = max(0, begin - CONTEXT_LINES - 1)
    stop_old, stop_new = (min(len(each), end + CONTEXT_LINES + 1) for each, end in zip((old, new), ends, strict=True))
    pieces = (_marked(old, start, stop_old), _marked(new, start, stop_new))
    told = difflib.unified_diff(*pieces, n=CONTEXT_LINES, lineterm="")
    gathered: list[str] = []
    for line in [*list(told)[2:], "@@ end"]:
        if line.startswith("@@") and gathered:
            yield _hunk(gathered, start)
            gathered = []
        gathered.append(line)


def _marked(lines: Sequence[str], start: int, stop: int) -> list[str]:
    """Return some lines with their ends, so that a last line without one differs from one with it."""
    last = len(lines) - 1
    marked = [f"{line}\n" if index < last else line for index, line in enumerate(lines[start:stop], start)]
    return marked[:-1] if marked and stop == len(lines) and not lines[last] else marked


def _hunk(told: Sequence[str], start: int) -> Hunk:
    found = _HUNK.match(told[0])
    old, new = (int(found[1]) + start, int(found[2]) + start) if found else (start, start)
    # A side without lines is numbered by the line before it.
    first_old, first_new = old, new
    lines: list[Line] = []
    for line in told[1:]:
        sign, text = line[0], line[1:]
        lines.append(_line(sign, text.removesuffix("\n"), old=old, new=new))
        old, new = old + (sign != "+"), new + (sign != "-")
        if not text.endswith("\n"):
            lines.append(Line("\\", "No newline at end of file"))
    return Hunk(f"@@ -{first_old},{old - first_old} +{first_new},{new - first_new} @@", lines)


def _line(sign: str, text: str, *, old: int, new: int) -> Line:
    match sign:
        case "+":
            return Line("+", text, None, new)
        case "-":
            return Line("-", text, old, None)
        case _:
            return Line(" ", text, old, new)


def _patch(diff: FileDiff) -> str:
    change, path = diff.change, diff.path
    if diff.shape != "text" or "\n" in path:
        size = change.after.size if change.after else 0
        return f"# {change.kind} {path!r}: {diff.shape}, {size} bytes, not in this patch\n"
    told = [f"diff --git a/{path} b/{path}", *_modes(change.before, change.after)]
    if diff.hunks:
        told += ["--- " + ("/dev/null" if change.before is None else f"a/{path}")]
        told += ["+++ " + ("/dev/null" if change.after is None else f"b/{path}")]
    for hunk in diff.hunks:
        told += [hunk.head, *(_written(line) for line in hunk.lines)]
    return "".join(f"{line}\n" for line in told)


def _written(line: Line) -> str:
    return f"\\ {line.text}" if line.sign == "\\" else f"{line.sign}{line.text}"


def _modes(before: FileState | None, after: FileState | None) -> list[str]:
    if before is None:
        return [f"new file mode {after.mode}"] if after else []
    if after is None:
        return [f"deleted file mode {before.mode}"]
    return [f"old mode {before.mode}", f"new mode {after.mode}"] if before.mode != after.mode else []
