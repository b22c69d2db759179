# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a worker has before it while it carries an ingestion: its rows as they were at the begin, and its reader."""

from dataclasses import dataclass, field
from uuid import UUID

from accounts.tenancy import tenant
from llm.operations.askers import Asker
from rag.adapters.sources.chosen import open_reader
from rag.engine.parsed import ChunkSettings
from rag.engine.ports import Revision, SourceReader
from rag.models import Ingestion, IngestionKind, KnowledgeBase, KnowledgeIndex, Source, SourceKind
from rag.models import Revision as RevisionRow
from rag.workers.holding import Hold, HoldLost

_WITH_HISTORY = frozenset({SourceKind.GIT, SourceKind.GITHUB})
MOST_KEPT = 3
_kept: dict[tuple[UUID, int, UUID], SourceReader] = {}


@dataclass(slots=True)
class Work:
    """An ingestion that is carried: into ``index``, from ``source`` or, for another index, from what is kept.

    ``after`` is the last document that was looked at, where they are gone through in order; ``alike`` are the indexes
    of the same embedder, once they were asked for.
    """

    hold: Hold
    ingestion: Ingestion
    base: KnowledgeBase
    index: KnowledgeIndex
    source: Source | None
    revision: Revision
    after: UUID | None = None
    alike: list[UUID] | None = None
    _reader: SourceReader | None = field(default=None, repr=False)

    @property
    def organization_id(self) -> UUID:
        """Whose it is."""
        return self.hold.organization_id

    @property
    def origin(self) -> Source:
        """The source that is read. Raises HoldLost where none is."""
        if self.source is None:
            raise HoldLost
        return self.source

    @property
    def is_reindex(self) -> bool:
        """Whether another index is made of what is there."""
        return self.ingestion.kind == IngestionKind.REINDEX

    @property
    def number(self) -> int:
        """Return the revision of the source that is written to chunks."""
        if self.ingestion.revision is not None:
            return self.ingestion.revision
        return self.source.revision if self.source else 0

    @property
    def keeps_history(self) -> bool:
        """Whether what stood in the source at an older revision stays findable at it."""
        return self.source is not None and self.source.kind in _WITH_HISTORY

    @property
    def chunking(self) -> ChunkSettings:
        """Return how documents are cut for this index."""
        return ChunkSettings.from_json(self.index.chunking)

    @property
    def asker(self) -> Asker:
        """For whom texts are embedded."""
        project = self.base.project
        return Asker(self.organization_id, team_id=project.team_id, project_id=project.pk)

    def reload(self) -> None:
        """Read the rows again, after something was written to them. Raises HoldLost."""
        fresh = load_work(self.hold)
        self.ingestion, self.source, self.revision = fresh.ingestion, fresh.source, fresh.revision

    def reader(self) -> SourceReader:
        """Return who reads the source; opened when it is first needed. Raises what opening it raises."""
        if self._reader is None:
            self._reader = _kept.pop(self._name_of(self.origin), None) or open_reader(self.origin)
        return self._reader

    def close(self, *, is_over: bool) -> None:
        """Let go of the reader; the next slice takes it up again, so that a secret is not opened for each."""
        if self._reader is None or self.source is None:
            return
        if not is_over:
            _kept[self._name_of(self.source)] = self._reader
        while len(_kept) > (0 if is_over else MOST_KEPT):
            _kept.pop(next(iter(_kept))).close()
        if is_over:
            self._reader.close()
        self._reader = None

    def _name_of(self, source: Source) -> tuple[UUID, int, UUID]:
        # Whatever people change of a source, its reader is opened anew for it; and with each ingestion, as secrets are
        # rotated and readers remember what they have seen.
        return source.pk, source.edits, self.ingestion.pk


def load_work(hold: Hold) -> Work:
    """Read what an ingestion is about. Raises HoldLost where that is gone."""
    with tenant(hold.organization_id):
        related = ("base__project", "base__active_index", "source", "index")
        ingestion = hold.rows().select_related(*related).first()
        if ingestion is None:
            raise HoldLost
        base, source = ingestion.base, ingestion.source
        index = ingestion.index if ingestion.kind == IngestionKind.REINDEX else base.active_index
        is_gone = index is None or base.deleted_at is not None or (source is not None and source.deleted_at is not None)
        if is_gone or index is None:
            raise HoldLost
        if source is not None:
            source.base = base
        return Work(hold, ingestion, base, index, source, _revision_of(ingestion))


def _revision_of(ingestion: Ingestion) -> Revision:
    if ingestion.source_id is None or ingestion.revision is None:
        return Revision()
    rows = RevisionRow.objects.for_organization(ingestion.organization_id)
    row = rows.filter(source_id=ingestion.source_id, number=ingestion.revision).first()
    if row is None:
        return Revision()
    return Revision(row.commit, row.commit, row.branch, row.at, row.author, row.subject)
