# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Finding files by their names and lines by what stands in them, beneath an open folder.

A pattern may be one that never comes to an end, so it is tried in a process of its own that the kernel stops.
"""

import fnmatch
import json
import os
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox import beneath
from sandbox.errors import AskInvalid, Refused

CPU_SECONDS = 10
WALL_SECONDS = 30
MOST_MATCHES = 500
LONGEST_LINE = 400
LARGEST_SEARCHED = 2_000_000
LONGEST_PATTERN = 1_000
PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3")
"""The machine's own, which everybody may start."""


def search(folder: int, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return matches as path, line number and line. Raises AskInvalid, Refused where it takes too long."""
    _compiled(asked)
    words = [_python(), "-I", "-S", "-c", _STARTS, os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    try:
        told = subprocess.run(
            [*words, str(folder), json.dumps(dict(asked))],
            pass_fds=[folder],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=True,
            env={},
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise Refused("too_slow", "The search took too long. Use a simpler pattern, or fewer files.") from None
    found: Mapping[str, Any] = json.loads(told.stdout)
    return found


def _python() -> str:
    """Return a Python that this user may start: the one of whoever began the service may lie in their home."""
    return next((path for path in (sys.executable, *PYTHONS) if os.access(path, os.X_OK)), sys.executable)


_STARTS = "import sys; sys.path.insert(0, sys.argv[1]); from sandbox.searching import main; main()"


def main() -> None:
    """Do it, in the process that was started for it."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    sys.stdout.write(json.dumps(_found(int(sys.argv[2]), json.loads(sys.argv[3]))))


def _found(folder: int, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    most = min(int(asked.get("most", MOST_MATCHES)), MOST_MATCHES)
    matches: list[list[Any]] = []
    for match in _matches(folder, asked):
        if len(matches) == most:
            return {"matches": matches, "is_cut": True}
        matches.append(match)
    return {"matches": matches, "is_cut": False}


def _matches(folder: int, asked: Mapping[str, Any]) -> Iterator[list[Any]]:
    pattern, glob = _compiled(asked), str(asked.get("glob") or "")
    for found in beneath.walk(folder):
        if found.path.startswith(".git/") or not stat.S_ISREG(found.stat.st_mode) or not found.path.isprintable():
            continue
        if glob and not is_named(found.path, glob):
            continue
        if pattern is None:
            yield [found.path, 0, ""]
        elif found.stat.st_size <= LARGEST_SEARCHED:
            yield from _in_file(found, pattern)


def _in_file(found: beneath.Found, pattern: re.Pattern[str]) -> Iterator[list[Any]]:
    try:
        descriptor, _ = beneath.open_in(found.folder, found.name, shown=found.path)
    except Refused:
        return
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(LARGEST_SEARCHED)
    if b"\0" in content[:8000]:
        return
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        if pattern.search(line):
            yield [found.path, number, line.strip("\r")[:LONGEST_LINE]]


def is_named(path: str, glob: str) -> bool:
    """Whether a path fits: ``*.py`` by its last name wherever it lies, ``src/**`` from the beginning."""
    if "/" not in glob:
        return fnmatch.fnmatchcase(path.rpartition("/")[2], glob)
    return fnmatch.fnmatchcase(path, glob.replace("**/", "*"))


def _compiled(asked: Mapping[str, Any]) -> re.Pattern[str] | None:
    text = asked.get("text")
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > LONGEST_PATTERN:
        raise AskInvalid(f"What is searched for is a text of at most {LONGEST_PATTERN} characters.")
    flags = re.IGNORECASE if asked.get("any_case") is True else 0
    try:
        return re.compile(text if asked.get("is_pattern") is True else re.escape(text), flags)
    except (re.error, RecursionError) as error:
        raise AskInvalid(f"The pattern cannot be read: {error}. Correct it, or search for the text itself.") from None
