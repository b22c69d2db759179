# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The past of a repository that was fetched: keeps the port HistoryReader by what git says."""

import re
from collections.abc import Iterator
from pathlib import Path

from rag.adapters.sources.git_process import Git
from rag.engine.git_facts import read_blame
from rag.engine.git_log import LOG_WORDS, NAMES_WORDS, lines_of, read_log, read_names
from rag.engine.ports import Blame, PastChange
from rag.errors.sources import GitFailed

MOST_COMMITS = 1_000
_COMMIT = re.compile(r"[0-9a-f]{40,64}\Z")


class GitHistory:
    """What changed in the repository that a source's folder holds, as far back as it was fetched."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "repository"
        self._git = Git(self._folder)

    def is_there(self) -> bool:
        """Tell whether anything was fetched into the folder."""
        return (self._folder / "HEAD").exists()

    def leads(self, *, since: str, until: str) -> bool:
        """See the port."""
        try:
            self._git.run("merge-base", "--is-ancestor", *_commits(since, until))
        except GitFailed:
            return False
        return True

    def changes(self, *, since: str, until: str) -> Iterator[PastChange]:
        """See the port. From where contents were left out of what was fetched, no lines are told."""
        commits = _commits(until, f"^{since}" if since else "")
        span = [f"--max-count={MOST_COMMITS}", *commits, "--"]
        # The oldest commit that was fetched has no parents here: it would seem to have made everything.
        settings = ["-c", "log.showRoot=false"] if self._is_shallow() else []
        told: list[str] = []
        try:
            for change in read_log(lines_of(self._git.stream(*settings, *LOG_WORDS, *span))):
                if change.commit not in told[-1:]:
                    told.append(change.commit)
                yield change
        except GitFailed:
            # Some content is not here. The commit at which that showed is told again, without its lines.
            known = frozenset(told[:-1])
            names = read_names(lines_of(self._git.stream(*settings, *NAMES_WORDS, *span)))
            yield from (change for change in names if change.commit not in known)

    def blame(self, path: str, *, commit: str, lines: tuple[int, int]) -> list[Blame]:
        """See the port."""
        first, last = lines
        words = ["blame", "--incremental", "-L", f"{first},{last}", *_commits(commit), "--", path]
        try:
            return sorted(read_blame(self._git.run(*words).splitlines()), key=lambda run: run.lines)
        except GitFailed:
            return []

    def _is_shallow(self) -> bool:
        shallow = self._folder / "shallow"
        return shallow.exists() and shallow.stat().st_size > 0


def _commits(*names: str) -> list[str]:
    """Return names of commits as they can be given to git; anything else would be read as one of its options."""
    kept = [name for name in names if name]
    if not all(_COMMIT.match(name.removeprefix("^")) for name in kept):
        raise GitFailed("log", said="a commit is named by its hash")
    return kept
