# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The past of a repository that was fetched: keeps the port HistoryReader by what git says."""

import re
from collections.abc import Iterator
from pathlib import Path

from rag.adapters.sources.git_store import GitStore
from rag.engine.ports import Blame, PastChange
from rag.errors.sources import GitFailed

_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class GitHistory:
    """What changed in the repository that a source's folder holds, as far back as it was fetched."""

    def __init__(self, folder: Path) -> None:
        self._store = GitStore(folder, where="the repository")

    def is_there(self) -> bool:
        """Tell whether anything was fetched into the folder."""
        return self._store.is_there()

    def leads(self, *, since: str, until: str) -> bool:
        """See the port."""
        return self._store.follows(_named(until), _named(since))

    def changes(self, *, since: str, until: str) -> Iterator[PastChange]:
        """See the port. Where contents were left out of what was fetched, no lines are told."""
        return self._store.changes(since=_named(since) if since else "", until=_named(until))

    def blame(self, path: str, *, commit: str, lines: tuple[int, int]) -> list[Blame]:
        """See the port."""
        try:
            return self._store.blame(path, commit=_named(commit), lines=lines)
        except GitFailed:
            # Lines that do not stand there are git's to refuse.
            return []


def _named(commit: str) -> str:
    """Return a commit's name as it can be given to git; anything else would be read as one of its options."""
    if not _COMMIT.fullmatch(commit):
        raise GitFailed("log", said="a commit is named by its hash")
    return commit
