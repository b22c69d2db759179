# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Taking documents out, and what is deleted with its rows, bytes and chunks, so that nothing of it is left.

What people delete is seen by nobody from that moment. Its rows go here, some at a time: a repository has more than one
transaction should take. Each step may die and be done again.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Sum

from accounts.tenancy import OrganizationQuerySet, tenant
from rag.adapters.chunk_rows import drop_chunks, end_chunks
from rag.adapters.sources.chosen import forget_folder
from rag.models import (
    BlobHold,
    Document,
    DocumentState,
    IndexedDocument,
    Ingestion,
    KnowledgeBase,
    KnowledgeIndex,
    Revision,
    Source,
)
from rag.workers.symbols import forget_symbols

AT_ONCE = 200
_CHUNKS_AT_ONCE = 5_000


def remove_documents(
    organization_id: UUID, document_ids: Sequence[UUID], *, revision: int, keeps_history: bool
) -> None:
    """Let documents be found no more. Of a source with a history they stay to be found at its older revisions."""
    empty_documents(organization_id, document_ids, revision=revision, keeps_history=keeps_history)
    rows = _held(organization_id, document_ids)
    if keeps_history:
        rows.update(state=DocumentState.REMOVED, chunk_count=0, reason="", error_code="")
        forget_symbols(organization_id, document_ids)
        return
    BlobHold.objects.for_organization(organization_id).filter(holder__in=list(document_ids)).delete()
    rows.delete()


def empty_documents(organization_id: UUID, document_ids: Sequence[UUID], *, revision: int, keeps_history: bool) -> None:
    """Take the chunks of documents out of every index. Must run inside the organization."""
    if keeps_history:
        end_chunks(document_ids, revision=revision)
    else:
        while drop_chunks(document_ids, limit=_CHUNKS_AT_ONCE):
            pass
    places = IndexedDocument.objects.for_organization(organization_id).filter(document__in=list(document_ids))
    places.update(sha256="", staged="", chunk_count=0)


def drop_document(organization_id: UUID, document_id: UUID) -> None:
    """Delete one document with its history, for good."""
    _drop_some(organization_id, [document_id])


def drop_source(organization_id: UUID, source_id: UUID) -> bool:
    """Delete a source with everything of it; False where it is not deleted by anybody, or gone."""
    with tenant(organization_id):
        rows = Source.objects.for_organization(organization_id).filter(pk=source_id, deleted_at__isnull=False)
        if not rows.exists():
            return False
        # First: from now on no worker writes anything more for it.
        Ingestion.objects.for_organization(organization_id).filter(source_id=source_id).delete()
    _drop_documents(organization_id, source_id)
    with tenant(organization_id):
        for model in (Ingestion, Revision):
            model.objects.for_organization(organization_id).filter(source_id=source_id).delete()
        rows.delete()
    forget_folder(organization_id, source_id)
    return True


def forget_fetched(organization_id: UUID, source_id: UUID) -> None:
    """Remove what was fetched of a source after it was gone: a reader that is under way makes its folder anew."""
    with tenant(organization_id):
        is_there = Source.objects.for_organization(organization_id).filter(pk=source_id).exists()
    if not is_there:
        forget_folder(organization_id, source_id)


def drop_base(organization_id: UUID, base_id: UUID) -> bool:
    """Delete a knowledge base with everything in it; False where it is not deleted by anybody, or gone."""
    with tenant(organization_id):
        rows = KnowledgeBase.objects.for_organization(organization_id).filter(pk=base_id, deleted_at__isnull=False)
        if not rows.exists():
            return False
        Ingestion.objects.for_organization(organization_id).filter(base_id=base_id).delete()
        sources = Source.objects.for_organization(organization_id).filter(base_id=base_id)
        source_ids = list(sources.values_list("pk", flat=True))
    for source_id in source_ids:
        _drop_documents(organization_id, source_id)
    with tenant(organization_id):
        rows.update(active_index=None)
        Ingestion.objects.for_organization(organization_id).filter(base_id=base_id).delete()
        rows.delete()
    for source_id in source_ids:
        forget_folder(organization_id, source_id)
    return True


def drop_index(organization_id: UUID, index_id: UUID) -> bool:
    """Delete an index that was retired, with its chunks; False where it is none, or gone."""
    with tenant(organization_id):
        rows = KnowledgeIndex.objects.for_organization(organization_id).filter(pk=index_id, state="retired")
        if not rows.exists():
            return False
    while _drop_places(organization_id, index_id):
        pass
    with tenant(organization_id):
        Ingestion.objects.for_organization(organization_id).filter(index_id=index_id).update(index=None)
        rows.delete()
    return True


def drop_deleted(organization_id: UUID) -> None:
    """Delete every base and source of an organization that somebody deleted."""
    with tenant(organization_id):
        bases = KnowledgeBase.objects.for_organization(organization_id).filter(deleted_at__isnull=False)
        sources = Source.objects.for_organization(organization_id).filter(deleted_at__isnull=False)
        base_ids, source_ids = (list(rows.values_list("pk", flat=True)) for rows in (bases, sources))
    for base_id in base_ids:
        drop_base(organization_id, base_id)
    for source_id in source_ids:
        drop_source(organization_id, source_id)


def count_chunks(organization_id: UUID, index_id: UUID) -> int:
    """Write down how many chunks an index has live, and return it. Must run inside the organization."""
    places = IndexedDocument.objects.for_organization(organization_id).filter(index_id=index_id)
    count = int(places.aggregate(total=Sum("chunk_count"))["total"] or 0)
    KnowledgeIndex.objects.for_organization(organization_id).filter(pk=index_id).update(chunk_count=count)
    return count


def _drop_documents(organization_id: UUID, source_id: UUID) -> None:
    while True:
        with tenant(organization_id):
            rows = Document.objects.for_organization(organization_id).filter(source_id=source_id)
            some = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if not some:
            return
        _drop_some(organization_id, some)


def _drop_some(organization_id: UUID, document_ids: Sequence[UUID]) -> None:
    left = True
    while left:
        with tenant(organization_id):
            left = bool(drop_chunks(document_ids, limit=_CHUNKS_AT_ONCE))
    with tenant(organization_id):
        rows = _held(organization_id, document_ids)
        BlobHold.objects.for_organization(organization_id).filter(holder__in=list(document_ids)).delete()
        # What the apps and helpers beside keep of a document goes by its foreign keys.
        rows.delete()


def _held(organization_id: UUID, document_ids: Sequence[UUID]) -> OrganizationQuerySet[Document]:
    """Hold documents: one that is being given other bytes has them, or will not, before its holds go."""
    rows = Document.objects.for_organization(organization_id).filter(pk__in=list(document_ids))
    list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    return rows


def _drop_places(organization_id: UUID, index_id: UUID) -> bool:
    with tenant(organization_id):
        places = IndexedDocument.objects.for_organization(organization_id).filter(index_id=index_id)
        some = list(places.values_list("document_id", flat=True)[:AT_ONCE])
        if not some:
            return False
        while drop_chunks(some, index_id=index_id, limit=_CHUNKS_AT_ONCE):
            pass
        places.filter(document_id__in=some).delete()
        return True
