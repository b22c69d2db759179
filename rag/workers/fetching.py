# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The bytes of a document: read from its source once for each content, and kept as a blob that the document holds."""

from dataclasses import dataclass

from django.conf import settings

from accounts.tenancy import tenant
from codexos.kernel import clock
from rag.adapters.blobs import blob_store
from rag.adapters.document_rows import hold_blob
from rag.adapters.incoming import receive
from rag.engine.ports import BlobKey, Content
from rag.errors import DocumentGone
from rag.models import Blob, BlobHold, Document, SourceKind
from rag.models.documents import MARK_LENGTH
from rag.workers.work import Work


@dataclass(frozen=True, slots=True)
class _Kept:
    sha256: str
    size: int
    media_type: str


def fetch(work: Work, document: Document) -> None:
    """See to it that the document's bytes are here, and that its row says which.

    Raises HoldLost, and what the reader, the storage and limits raise.
    """
    if work.is_reindex or document.source_type == SourceKind.UPLOAD:
        if document.blob_id is None:
            raise DocumentGone(document.path)
        return
    # What is kept already is not asked for again: a page answers then that it is unchanged.
    held = document.mark if document.blob_id else ""
    content = work.reader().read(document.path, revision=work.revision, mark=held)
    kept = None if content is None else _keep(work, document, content)
    with tenant(work.organization_id):
        work.hold.note()
        if content is None or kept is None:
            _note_unchanged(work, document)
        else:
            _note_content(work, document, content=content, kept=kept)


def _keep(work: Work, document: Document, content: Content) -> _Kept:
    if content.kept:
        return _Kept(content.kept, document.size, content.media_type)
    with receive(content.pieces, path=document.path, limit_bytes=settings.FILE_SIZE_LIMIT) as received:
        blob = Blob(organization_id=work.organization_id, sha256=received.sha256, size=received.size)
        with tenant(work.organization_id):
            # Written down before the bytes are kept: should this process die in between, the sweeper knows of them.
            Blob.objects.bulk_create(
                [blob],
                update_conflicts=True,
                unique_fields=["organization", "sha256"],
                update_fields=["wanted_at"],
            )
        blob_store().keep(BlobKey(work.organization_id, received.sha256), received.place)
        return _Kept(received.sha256, received.size, content.media_type or received.media_type)


def _note_unchanged(work: Work, document: Document) -> None:
    document.listed, document.commit, document.updated_at = "", work.revision.commit[:64], clock.now()
    document.save(update_fields=["listed", "commit", "updated_at"])


def _note_content(work: Work, document: Document, *, content: Content, kept: _Kept) -> None:
    """Let the document hold its bytes, and write what they are known by; what it held before it lets go of."""
    before = document.blob_id
    # What it is to be known by next is listed no more.
    document.mark, document.listed = (content.mark or document.listed)[:MARK_LENGTH], ""
    document.commit, document.updated_at = work.revision.commit[:64], clock.now()
    document.changed_at = content.changed_at or document.changed_at
    document.title = content.title[:300] or document.title
    document.media_type = kept.media_type[:100] or document.media_type
    row = hold_blob(document, kept.sha256)
    if row is None:
        raise DocumentGone(document.path)
    document.blob_id, document.size, document.version = row
    document.sha256 = kept.sha256
    if before is not None and before != document.blob_id:
        holds = BlobHold.objects.for_organization(work.organization_id).filter(holder=document.pk)
        holds.exclude(blob=document.blob_id).delete()
