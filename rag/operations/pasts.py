# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How a document came to be what it is: from what is kept of its source's history, and line by line from git."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actor import Actor
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError, InvalidInput
from rag.adapters.recency_leg import history_of
from rag.adapters.sources.chosen import folder_of
from rag.adapters.sources.git_history import GitHistory
from rag.engine.history import History, hot_since
from rag.engine.ports import Blame
from rag.models import Document, SourceKind
from rag.queries.documents import access_document
from rag.queries.symbols import pasts_of

MOST_LINES = 2_000
_REPOSITORIES = frozenset({SourceKind.GIT, SourceKind.GITHUB})


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a document's past; ``history`` is None where its source tells none."""

    document: Document
    history: History | None
    now: datetime
    blame: Sequence[Blame] = ()

    @property
    def commits_lately(self) -> int:
        """How many commits changed it of late."""
        return self.history.count_since(hot_since(self.now)) if self.history else 0


def read_past(actor: Actor, document: UUID | str, *, lines: str = "") -> Past:
    """Return the past of a document, and who wrote ``lines`` (such as *10-20*) last.

    Raises DocumentNotFound, InvalidInput. Who wrote lines is asked of the repository as it was fetched to this machine:
    nothing, where it is not here.
    """
    found = access_document(actor, document)
    wanted = _read_lines(lines) if lines else None
    kept = pasts_of(actor, [(found.source_id, found.path)]).get((found.source_id, found.path))
    blame = _blame(found, wanted) if wanted else ()
    return Past(found, history_of(kept) if kept else None, clock.now(), blame)


def _blame(document: Document, lines: tuple[int, int]) -> Sequence[Blame]:
    if document.source.kind not in _REPOSITORIES or not document.commit:
        return ()
    history = GitHistory(folder_of(document.source))
    try:
        return history.blame(document.path, commit=document.commit, lines=lines) if history.is_there() else ()
    except CodexosError:
        return ()


def _read_lines(said: str) -> tuple[int, int]:
    first, _, last = said.partition("-")
    numbers = [
        int(part) if part.isascii() and part.isdigit() and len(part) < 9 else 0 for part in (first, last or first)
    ]
    if not 1 <= numbers[0] <= numbers[1] < numbers[0] + MOST_LINES:
        message = f"lines is {said[:30]!r}. Name at most {MOST_LINES} lines, from 1, such as 10-20."
        raise InvalidInput(message, errors=[{"place": "lines", "message": message}])
    return numbers[0], numbers[1]
