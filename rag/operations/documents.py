# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people do with single documents: tag them, read what was uploaded, have one read again, delete one."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from accounts.actor import Actor
from accounts.operations.audit import changes, record_event
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from rag.adapters.blobs import blob_store
from rag.engine.base_settings import clean_tags
from rag.engine.ports import BlobKey
from rag.errors.knowledge import DocumentFromSource, DocumentNotKept
from rag.models import Document, DocumentState, Ingestion, SourceKind
from rag.operations import ingestions
from rag.queries.documents import access_document
from rag.queries.sources import access_ingestion
from rag.workers.removing import drop_document


@dataclass(frozen=True, slots=True)
class KeptContent:
    """What was uploaded: its name, its type, how long it is, and its bytes."""

    document: Document
    chunks: Iterator[bytes]


@in_organization
def change_document(actor: Actor, document: UUID | str, *, tags: Collection[str]) -> Document:
    """Tag a document. Raises DocumentNotFound, NotAllowed, KnowledgeBaseInvalid."""
    row = access_document(actor, document, to=Permission.WRITE_FILES, holding=True)
    before = {"tags": list(row.tags)}
    row.tags = clean_tags(list(tags))
    after = {"tags": list(row.tags)}
    if after != before:
        row.updated_at = clock.now()
        row.save(update_fields=["tags", "updated_at"])
        record_event(actor, "document.changed", about=row, base=row.base.slug, changed=changes(before, after))
    return row


def may_be_deleted(row: Document) -> bool:
    """Tell whether a document is taken away here, and not where it comes from."""
    is_ours = row.source.kind == SourceKind.UPLOAD or row.missing_since is not None
    return is_ours or row.state == DocumentState.FAILED


@in_organization
def delete_document(actor: Actor, document: UUID | str) -> None:
    """Delete an uploaded document with its chunks, for good.

    What comes from elsewhere is taken away there, unless its source has not had it any more: then a person is the
    second sighting. Raises DocumentNotFound, DocumentFromSource, NotAllowed.
    """
    row = access_document(actor, document, to=Permission.WRITE_FILES, holding=True)
    if not may_be_deleted(row):
        raise DocumentFromSource(row.path, source=row.source.name)
    record_event(actor, "document.deleted", about=row, base=row.base.slug, sha256=row.sha256)
    drop_document(actor.organization_id, row.pk)


@in_organization
def retry_document(actor: Actor, document: UUID | str) -> Ingestion:
    """Have a document read again. Raises DocumentNotFound, NotAllowed and what starting a reading raises."""
    row = access_document(actor, document, to=Permission.WRITE_FILES, holding=True)
    started = ingestions.retry_document(actor, row)
    record_event(actor, "document.retried", about=row, base=row.base.slug)
    return access_ingestion(actor, started.pk)


def read_document(actor: Actor, document: UUID | str) -> KeptContent:
    """Return what was uploaded. Raises DocumentNotFound, DocumentNotKept, BlobMissing, StorageUnreachable."""
    row = _kept(actor, document)
    return KeptContent(row, blob_store().read(BlobKey(actor.organization_id, row.sha256)))


@in_organization
def _kept(actor: Actor, document: UUID | str) -> Document:
    row = access_document(actor, document)
    if row.blob_id is None:
        raise DocumentNotKept(row.path, source=row.source.name)
    return row
