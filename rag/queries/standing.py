# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How the sources of a knowledge base stand: how far each is read, and what can be done about it now."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.actor import Actor
from accounts.queries.pages import Page
from rag.models import Ingestion, IngestionState, KnowledgeBase, Source, SourceKind, SourceState
from rag.queries.sources import SourceFilter, list_sources, newest_ingestions

_MOVING = (IngestionState.QUEUED, IngestionState.RUNNING)
_MARKS = {SourceState.SYNCING: "run", SourceState.FAILED: "fail", SourceState.PAUSED: "wait"}


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """A source with its newest reading."""

    source: Source
    ingestion: Ingestion | None

    @property
    def is_moving(self) -> bool:
        """Whether it is being read, or about to be."""
        return self.ingestion is not None and self.ingestion.state in _MOVING

    @property
    def mark(self) -> str:
        """The mark that shows it."""
        if self.may_resume:
            return "wait"
        return _MARKS.get(SourceState(self.source.state), "run" if self.is_moving else "ok")

    @property
    def reason(self) -> str:
        """Why it failed, or waits."""
        return self.source.reason or (self.ingestion.reason if self.ingestion else "")

    @property
    def may_sync(self) -> bool:
        """Whether it can be read now: what people bring is not read but brought."""
        is_paused = self.source.state == SourceState.PAUSED
        return self.source.kind != SourceKind.UPLOAD and not self.is_open and not is_paused

    @property
    def is_open(self) -> bool:
        """Whether its reading has not come to its end; then it may be cancelled."""
        return self.ingestion is not None and self.ingestion.is_open

    @property
    def may_resume(self) -> bool:
        """Whether its reading is paused."""
        return self.ingestion is not None and self.ingestion.state == IngestionState.PAUSED

    @property
    def may_retry(self) -> bool:
        """Whether something of it failed that can be done again."""
        row = self.ingestion
        return row is not None and not row.is_open and (row.state == IngestionState.FAILED or row.failed > 0)


@dataclass(frozen=True, slots=True)
class BaseStanding:
    """The sources of a knowledge base, and the index that is made beside the one in use."""

    sources: Page[Source]
    rows: Sequence[SourceStanding]
    rebuilding: Ingestion | None

    @property
    def is_moving(self) -> bool:
        """Whether something of it changes by itself just now."""
        is_rebuilt = self.rebuilding is not None and self.rebuilding.state in _MOVING
        return is_rebuilt or any(row.is_moving for row in self.rows)


def standing_of(actor: Actor, base: KnowledgeBase, *, cursor: str | None = None) -> BaseStanding:
    """Return how a knowledge base's sources stand."""
    found = list_sources(actor, which=SourceFilter(base=str(base.pk)), cursor=cursor)
    newest = newest_ingestions(actor, base)
    rebuilt = newest.get(None)
    rows = [SourceStanding(source, newest.get(source.pk)) for source in found.rows]
    return BaseStanding(found, rows, rebuilt if rebuilt and rebuilt.is_open else None)
