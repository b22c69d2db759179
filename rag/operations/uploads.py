# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Taking files into a knowledge base: each becomes a document of an upload source, or says alone why it does not."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.operations.usage import record_usage
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError, Unavailable
from rag.adapters.blobs import blob_store
from rag.adapters.incoming import Received, receive
from rag.engine.base_settings import clean_tags
from rag.engine.paths import read_folder, read_path
from rag.engine.ports import BlobKey
from rag.engine.source_specs import SourceSpec, usual_name
from rag.errors import FileTooLarge, UploadIncomplete
from rag.errors.knowledge import DocumentsFull, KnowledgeBaseInvalid, KnowledgeFull, UploadEmpty, UploadTooMany
from rag.models import Blob, BlobHold, Document, DocumentState, Ingestion, IngestionKind, KnowledgeBase, Source
from rag.models.sources import SourceKind
from rag.operations.ingestions import start_ingestion
from rag.operations.sources import make_source
from rag.queries.knowledge_bases import access_knowledge_base
from rag.queries.sources import access_ingestion, access_source

MOST_FILES = 1_000
_NEAR = 0.9


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that was sent: its name with folders, its bytes, and how many were announced."""

    path: str
    chunks: Iterable[bytes]
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file: its document, new or changed or as it was; or why it was not taken."""

    path: str
    document: Document | None = None
    is_new: bool = False
    error: CodexosError | None = None
    ingestion: Ingestion | None = None

    @property
    def is_changed(self) -> bool:
        """Whether there is something to be read."""
        return self.ingestion is not None


@dataclass(frozen=True, slots=True)
class Upload:
    """What became of all of them, and the reading that takes them in; None where nothing is to be read."""

    source: Source
    files: Sequence[Taken]
    ingestion: Ingestion | None = None


class _Room:
    """How much a base and its project still take: counted once a call, and anew for each file near to a limit."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base
        self._used: int | None = None
        self._count: int | None = None

    def check(self, *, more_bytes: int, more_documents: int) -> None:
        """Raise KnowledgeFull or DocumentsFull where there is no room. Must run inside the organization."""
        bytes_limit, count_limit = settings.KNOWLEDGE_SIZE_LIMIT, settings.KNOWLEDGE_DOCUMENTS
        if self._used is None or self._used + more_bytes > bytes_limit * _NEAR:
            self._used = self._bytes()
        if more_bytes > 0 and self._used + more_bytes > bytes_limit:
            raise KnowledgeFull(limit_bytes=bytes_limit, used_bytes=self._used)
        if self._count is None or self._count + more_documents > count_limit * _NEAR:
            self._count = self._documents()
        if more_documents and self._count + more_documents > count_limit:
            raise DocumentsFull(limit=count_limit)

    def note(self, *, more_bytes: int, more_documents: int) -> None:
        """Say what was taken since."""
        self._used = (self._used or 0) + more_bytes
        self._count = (self._count or 0) + more_documents

    def _bytes(self) -> int:
        rows = Document.objects.for_organization(self._base.organization_id)
        rows = rows.filter(base__project=self._base.project_id, blob__isnull=False)
        return int(rows.aggregate(total=Sum("size"))["total"] or 0)

    def _documents(self) -> int:
        rows = Document.objects.for_organization(self._base.organization_id).filter(base=self._base)
        return rows.exclude(state=DocumentState.REMOVED).count()


def upload_documents(
    actor: Actor,
    base: UUID | str,
    files: Sequence[Sent],
    *,
    source: UUID | str | None = None,
    folder: str = "",
    tags: Collection[str] = (),
) -> Upload:
    """Take files into a knowledge base; what is wrong with one stands in its place, and the others are taken.

    A path that is taken gets the new content, and the same content changes nothing. Raises KnowledgeBaseNotFound
    kinds, SourceNotFound, NotAllowed, UploadEmpty, UploadTooMany, PathInvalid of the folder, StorageFull,
    StorageUnreachable.
    """
    if not files:
        raise UploadEmpty
    if len(files) > MOST_FILES:
        raise UploadTooMany(limit=MOST_FILES, count=len(files))
    words = clean_tags(list(tags))
    place = _upload_source(actor, base, source)
    prefix = read_folder(folder or str(place.config.get("path") or ""))
    room = _Room(place.base)
    taken = [_take(actor, place, each, prefix=prefix, tags=words, room=room) for each in files]
    begun = [each.ingestion for each in taken if each.ingestion]
    return Upload(place, taken, access_ingestion(actor, begun[-1].pk) if begun else None)


@in_organization
def _upload_source(actor: Actor, base: UUID | str, source: UUID | str | None) -> Source:
    row = access_knowledge_base(actor, base, to=Permission.WRITE_FILES, holding=True)
    if source is not None:
        found = access_source(actor, source, to=Permission.WRITE_FILES)
        if found.kind != SourceKind.UPLOAD or found.base_id != row.pk:
            raise KnowledgeBaseInvalid("source_id", f"{found.name!r} is no upload source of this knowledge base.")
        return found
    rows = Source.objects.for_organization(actor.organization_id).filter(base=row, kind=SourceKind.UPLOAD)
    first = rows.filter(deleted_at=None).select_related("base__project__team").order_by("pk").first()
    return first or make_source(actor, row, SourceSpec(SourceKind.UPLOAD, usual_name(SourceKind.UPLOAD, {})))


def _take(actor: Actor, source: Source, sent: Sent, *, prefix: str, tags: Sequence[str], room: _Room) -> Taken:
    try:
        path = read_path(prefix + sent.path)
        _admit(actor, path=path, announced=sent.size or 0, room=room)
        with receive(sent.chunks, path=path, limit_bytes=settings.FILE_SIZE_LIMIT) as received:
            if sent.size is not None and received.size != sent.size:
                raise UploadIncomplete(path, expected_bytes=sent.size, got_bytes=received.size)
            _want(actor, received)
            blob_store().keep(BlobKey(actor.organization_id, received.sha256), received.place)
            return _write(actor, source, path=path, received=received, tags=tags, room=room)
    except Unavailable:
        # The storage is away or full: it will be for the next file, too.
        raise
    except CodexosError as error:
        return Taken(sent.path, error=error)


@in_organization
def _admit(actor: Actor, *, path: str, announced: int, room: _Room) -> None:
    """Refuse what can be refused before a byte is read."""
    del actor
    if announced > settings.FILE_SIZE_LIMIT:
        raise FileTooLarge(path, limit_bytes=settings.FILE_SIZE_LIMIT)
    room.check(more_bytes=announced, more_documents=0)


@in_organization
def _want(actor: Actor, received: Received) -> None:
    # As with files: written down before the bytes are kept, so that the sweeper knows of them whatever happens.
    blob = Blob(organization_id=actor.organization_id, sha256=received.sha256, size=received.size)
    Blob.objects.bulk_create(
        [blob], update_conflicts=True, unique_fields=["organization", "sha256"], update_fields=["wanted_at"]
    )


@in_organization
def _write(actor: Actor, source: Source, *, path: str, received: Received, tags: Sequence[str], room: _Room) -> Taken:
    # One writer per knowledge base, for the milliseconds of writing rows: the limits are exact.
    base = access_knowledge_base(actor, source.base_id, to=Permission.WRITE_FILES, holding=True)
    rows = Document.objects.for_organization(actor.organization_id).filter(source=source, path=path)
    row = rows.select_for_update().first()
    if row is not None and row.sha256 == received.sha256 and row.state not in _TO_READ_ANEW:
        return _as_it_was(row, source, tags)
    is_new, before = row is None, 0 if row is None else row.size
    more = {"more_bytes": received.size - before, "more_documents": int(is_new)}
    room.check(**more)
    if row is None:
        row = Document(organization_id=actor.organization_id, base=base, source=source, path=path, version=0)
    row.source = source
    blob = Blob.objects.for_organization(actor.organization_id).get(sha256=received.sha256)
    _swap_hold(row, blob)
    _fill(row, received, blob=blob, tags=tags)
    row.save(force_insert=is_new)
    room.note(**more)
    _tell(actor, row, base)
    # With the row, so that none ever waits for nobody.
    return Taken(path, row, is_new=is_new, ingestion=start_ingestion(actor, source, kind=IngestionKind.UPLOAD))


_TO_READ_ANEW = (DocumentState.FAILED, DocumentState.REMOVED)


def _as_it_was(row: Document, source: Source, tags: Sequence[str]) -> Taken:
    row.source = source
    if missing := [tag for tag in tags if tag not in row.tags]:
        row.tags = [*row.tags, *missing]
        row.save(update_fields=["tags"])
    return Taken(row.path, row)


def _fill(row: Document, received: Received, *, blob: Blob, tags: Sequence[str]) -> None:
    now = clock.now()
    row.source_type = SourceKind.UPLOAD
    row.state, row.reason, row.error_code = DocumentState.WAITING, "", ""
    row.sha256, row.size, row.blob = received.sha256, received.size, blob
    row.media_type, row.title = received.media_type, ""
    row.changed_at, row.updated_at, row.missing_since, row.sightings_missing = now, now, None, 0
    row.version += 1
    row.tags = list(dict.fromkeys([*row.source.tags, *row.tags, *tags]))


def _swap_hold(row: Document, blob: Blob) -> None:
    holds = BlobHold.objects.for_organization(row.organization_id).filter(holder=row.pk)
    holds.exclude(blob=blob).delete()
    hold = BlobHold(organization_id=row.organization_id, blob=blob, holder=row.pk)
    BlobHold.objects.bulk_create([hold], ignore_conflicts=True)


def _tell(actor: Actor, row: Document, base: KnowledgeBase) -> None:
    record_event(actor, "document.uploaded", about=row, base=base.slug, size=row.size, sha256=row.sha256)
    record_usage(
        actor,
        "document.bytes",
        quantity=row.size,
        unit="byte",
        project_id=base.project_id,
        document_id=str(row.pk),
    )
