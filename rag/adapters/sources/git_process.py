# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs git in processes apart: an environment of their own, no network, no settings or hooks of anybody's, bounds.

Nothing here reaches the outside. Objects are fetched by git_remote.py and handed in; a repository kept here was made by
us, and of what a stranger's repository says about itself (hooks, settings, attributes) git is told to heed none.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from rag.adapters.incoming import clear_storage_errors
from rag.adapters.sources import git_apart
from rag.errors.sources import GitFailed, GitMissing, SourceOverLimit

_MEBIBYTE = 1024 * 1024
_PIECE_BYTES = 256 * 1024
_MOST_SAID = 2_000
_MOST_RUN_BYTES = 16 * _MEBIBYTE
_LONGEST_RECORD = _MEBIBYTE
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    # Windows on packs rather than whole ones, and large files as streams: what a process holds does not grow.
    "core.packedGitWindowSize=16m",
    "core.packedGitLimit=128m",
    "core.deltaBaseCacheLimit=32m",
    "core.bigFileThreshold=16m",
    "core.commitGraph=false",
    "credential.helper=",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "init.defaultBranch=main",
    "init.templateDir=",
    "log.showSignature=false",
    "safe.directory=*",
    "transfer.fsckObjects=false",
)


@dataclass(frozen=True, slots=True)
class GitLimits:
    """What one process of git may take. A pack is one file, so ``file_bytes`` is what may be fetched at once."""

    memory_bytes: int = 1536 * _MEBIBYTE
    file_bytes: int = 2048 * _MEBIBYTE
    cpu_seconds: int = 900


GIT_LIMITS = GitLimits()


class Git:
    """Git in one folder."""

    def __init__(self, folder: Path, *, limits: GitLimits = GIT_LIMITS) -> None:
        self.folder = folder
        self._limits = limits

    def run(self, *words: str) -> str:
        """Return all that git says, what is no UTF-8 replaced. Raises GitFailed, GitMissing."""
        said = bytearray()
        for piece in self.stream(*words):
            said += piece
            # What strangers wrote into one commit may be as long as a pack unpacks to.
            if len(said) > _MOST_RUN_BYTES:
                raise GitFailed(words[0], said="it says more than is read of it")
        return said.decode("utf-8", "replace")

    def stream(self, *words: str, stdin: bytes = b"") -> Iterator[bytes]:
        """Yield what git says as it says it. Raises GitFailed, GitMissing."""
        with self._started(words, stdin=stdin) as (child, complaints):
            output = cast(IO[bytes], child.stdout)
            while piece := output.read(_PIECE_BYTES):
                yield piece
            _insist(child.wait(), complaints, words)

    def records(self, *words: str) -> Iterator[str]:
        """Yield what git says, cut at NULs. Raises GitFailed, GitMissing."""
        held = b""
        for piece in self.stream(*words):
            *ended, held = (held + piece).split(b"\0")
            for each in ended:
                yield each.decode("utf-8", "surrogateescape")
            if len(held) > _LONGEST_RECORD:
                raise GitFailed(words[0], said="it says more at once than is read of it")
        if held:
            yield held.decode("utf-8", "surrogateescape")

    def take(self, pieces: Iterable[bytes], *words: str) -> str:
        """Hand pieces to git as they come, and return what it says. Raises GitFailed, GitMissing."""
        with self._started(words, stdin=None) as (child, complaints):
            way_in = cast(IO[bytes], child.stdin)
            # A git that has given up says why on its way out, below.
            with suppress(BrokenPipeError):
                for piece in pieces:
                    way_in.write(piece)
                way_in.close()
            said = cast(IO[bytes], child.stdout).read(_PIECE_BYTES)
            _insist(child.wait(), complaints, words)
        return said.decode("utf-8", "replace")

    @contextmanager
    def talk(self, *words: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Give the ends of a git that answers one question after another: where it is asked, where it answers."""
        with self._started(words, stdin=None) as (child, _complaints):
            yield cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)

    @contextmanager
    def _started(
        self, words: Sequence[str], *, stdin: bytes | None
    ) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
        with _unnamed_file() as complaints, _source(stdin) as way_in:
            child = subprocess.Popen(
                self._command(words),
                stdin=subprocess.PIPE if way_in is None else way_in,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=_environment(),
                cwd=self.folder,
                start_new_session=True,
            )
            try:
                yield child, complaints
            finally:
                _end(child)

    def _command(self, words: Sequence[str]) -> list[str]:
        limits = self._limits
        bounds = map(str, (limits.memory_bytes, limits.file_bytes, limits.cpu_seconds))
        settings = [word for each in _SETTINGS for word in ("-c", each)]
        program = str(Path(git_apart.__file__).resolve())
        return [sys.executable, "-ISB", program, *bounds, "--no-pager", "--git-dir=.", *settings, *words]


@contextmanager
def _source(stdin: bytes | None) -> Iterator[IO[bytes] | int | None]:
    if not stdin:
        yield None if stdin is None else subprocess.DEVNULL
        return
    with _unnamed_file() as file:
        with clear_storage_errors():
            file.write(stdin)
            file.seek(0)
        yield file


def _unnamed_file() -> IO[bytes]:
    with clear_storage_errors():
        return tempfile.TemporaryFile()


def _environment() -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }


def _end(child: subprocess.Popen[bytes]) -> None:
    for end in (child.stdin, child.stdout):
        if end is not None:
            with suppress(OSError):
                end.close()
    if child.poll() is None:
        # Alone in its session, and not waited for yet: the number is still its own.
        child.kill()
    child.wait()


def _insist(code: int, complaints: IO[bytes], words: Sequence[str]) -> None:
    if code == 0:
        return
    complaints.seek(0)
    said = complaints.read(_MOST_SAID).decode("utf-8", "replace").strip()
    if code == git_apart.NO_GIT and not said:
        raise GitMissing
    # How it ends that writes more than a file may have, or is told of a pack that is too large.
    if code == -25 or "exceeds maximum" in said or "File too large" in said:
        raise SourceOverLimit("the repository", because="its pack takes more than may be fetched at once")
    raise GitFailed(words[0], said=said or f"it ended with {code}")
