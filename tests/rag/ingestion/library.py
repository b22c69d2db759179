# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A knowledge base with one source whose documents a test holds in its hand, and words for what is done with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from accounts.tenancy import tenant
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject
from rag.engine.ports import Content, Delta, Entry, Revision
from rag.errors import DocumentGone
from rag.models import (
    Chunk,
    Document,
    Ingestion,
    IngestionKind,
    KnowledgeBase,
    KnowledgeIndex,
    Source,
    SourceKind,
)
from rag.operations.ingestions import start_ingestion
from rag.workers.ingestion import Next, carry
from tests.factories import Someone

MODEL = "text-embedding-3-small"


@dataclass
class Shelf:
    """Keeps the port SourceReader over texts in memory. ``look`` may be told what to say instead."""

    texts: dict[str, str] = field(default_factory=dict)
    keeps_history: bool = False
    is_whole: bool = True
    removed: list[str] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    shown: Callable[[], Iterable[Entry]] | None = None
    troubles: dict[str, CodexosError] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    cursors: list[JsonObject] = field(default_factory=list)
    is_marked: bool = True

    def look(self, cursor: JsonObject) -> Delta:
        self.cursors.append(cursor)
        entries = self._entries() if self.shown is None else self.shown()
        revision = Revision(self.commit, self.commit)
        return Delta(
            revision, entries, {"looks": len(self.cursors)}, removed=list(self.removed), is_whole=self.is_whole
        )

    def read(self, path: str, *, revision: Revision, mark: str) -> Content | None:
        self.reads.append(path)
        if path in self.troubles:
            raise self.troubles[path]
        if path not in self.texts:
            raise DocumentGone(path)
        now = _mark(self.texts[path])
        return None if mark == now else Content([self.texts[path].encode()], mark=now)

    def close(self) -> None:
        """Nothing was opened."""

    def _entries(self) -> Iterator[Entry]:
        for path, text in self.texts.items():
            mark = _mark(text) if self.is_marked else ""
            yield Entry(path, mark=mark, size=len(text), moved_from=self.moved.get(path, ""))
        for path, because in self.skipped.items():
            yield Entry(path, mark="x", skipped=because)


@dataclass
class Library:
    """A base, its source, and who works with them."""

    who: Someone
    base: KnowledgeBase
    source: Source
    shelf: Shelf

    @property
    def organization_id(self) -> UUID:
        return self.base.organization_id

    def begin(self, kind: str = IngestionKind.SYNC, **options: Any) -> Ingestion:
        """Begin an ingestion and leave it to whoever carries it."""
        return start_ingestion(self.who.actor, self.source, kind=kind, **options)

    def sync(self, **options: Any) -> Ingestion:
        """Read the source to the end."""
        return self.carry(self.begin(**options))

    def carry(self, ingestion: Ingestion, **options: Any) -> Ingestion:
        """Carry an ingestion, and what follows it, to the end."""
        following: Next | None = Next(ingestion.pk, self.fresh(ingestion).attempt)
        while following is not None:
            following = carry(self.organization_id, following.ingestion_id, attempt=following.attempt, **options)
        return self.fresh(ingestion)

    def fresh(self, ingestion: Ingestion) -> Ingestion:
        """Return the row as it is now."""
        with tenant(self.organization_id):
            rows = Ingestion.objects.for_organization(self.organization_id).select_related("source", "base")
            return rows.get(pk=ingestion.pk)

    def document(self, path: str) -> Document:
        """Return a document's row."""
        return self.documents()[path]

    def documents(self) -> Mapping[str, Document]:
        """Return the documents by path."""
        with tenant(self.organization_id):
            rows = Document.objects.for_organization(self.organization_id).filter(base=self.base)
            return {row.path: row for row in rows.order_by("path")}

    def live(self, *, at: int | None = None) -> dict[str, list[str]]:
        """Return the texts that are found, by path; ``at`` an older revision."""
        return _by_path(self._chunks(at))

    def rows(self) -> list[Chunk]:
        """Return every chunk there is, in any index and state."""
        with tenant(self.organization_id):
            return list(Chunk.objects.for_organization(self.organization_id).order_by("document_id", "ordinal"))

    def index(self) -> KnowledgeIndex:
        """Return the index in use."""
        with tenant(self.organization_id):
            rows = KnowledgeBase.objects.for_organization(self.organization_id).select_related("active_index")
            index = rows.get(pk=self.base.pk).active_index
            assert index is not None
            return index

    def _chunks(self, at: int | None) -> list[Chunk]:
        index = self.index()
        with tenant(self.organization_id):
            rows = Chunk.objects.for_organization(self.organization_id).filter(index=index, since__isnull=False)
            rows = rows.select_related("document").order_by("document_id", "ordinal")
            if at is None:
                return list(rows.filter(until=None))
            return [row for row in rows if row.since <= at and (row.until is None or row.until > at)]


def make_library(
    who: Someone, project: Any, shelf: Shelf, *, kind: str = SourceKind.WEB, model: str = MODEL, slug: str = "library"
) -> Library:
    """Make a base with an index and a source of a kind."""
    whose = {"organization_id": who.actor.organization_id}
    with tenant(who.actor.organization_id):
        base = KnowledgeBase.objects.create(**whose, project=project, slug=slug, name=slug, made_by=who.person)
        index = KnowledgeIndex.objects.create(**whose, base=base, number=1, model=model, state="active")
        KnowledgeBase.objects.for_organization(base.organization_id).filter(pk=base.pk).update(active_index=index)
        base.active_index = index
        source = Source.objects.create(**whose, base=base, kind=kind, name="shelf", made_by=who.person)
    return Library(who, base, source, shelf)


def _by_path(chunks: Iterable[Chunk]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for chunk in chunks:
        found.setdefault(chunk.document.path, []).append(chunk.text)
    return found


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
