# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Which documents an ingestion does next. It is asked of the rows each time: nothing else knows what is left."""

from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from accounts.tenancy import OrganizationQuerySet, tenant
from rag.models import Document, DocumentState, IndexedDocument, KnowledgeBase, KnowledgeIndex
from rag.workers.work import Work

AT_ONCE = 16
"""So many documents are cut before they are embedded together: small ones share a call of their embedder."""
_BEGUN = (DocumentState.PARSING, DocumentState.CHUNKING, DocumentState.EMBEDDING)


def next_documents(work: Work) -> list[Document]:
    """Return the documents to do next, all of one source; none where there are none left."""
    with tenant(work.organization_id):
        return _left_to_index(work) if work.is_reindex else _left_to_read(work)


def revision_of(work: Work, document: Document) -> int:
    """Return under which revision of its source a document's chunks begin."""
    return document.source.revision if work.is_reindex else work.number


def _left_to_read(work: Work) -> list[Document]:
    # Without an order: the rows of one state lie together, and sorting all that wait takes longer than doing some.
    rows = Document.objects.for_organization(work.organization_id).filter(source_id=work.origin.pk)
    rows = rows.select_related("blob")
    begun = list(rows.filter(state__in=_BEGUN)[:AT_ONCE])
    return begun + list(rows.filter(state=DocumentState.WAITING)[: AT_ONCE - len(begun)])


def _left_to_index(work: Work) -> list[Document]:
    rows = unindexed(work).select_related("source", "blob").order_by("pk")
    found = list(rows.filter(pk__gt=work.after)[:AT_ONCE] if work.after else rows[:AT_ONCE])
    if not found and work.after:
        # Once more from the front: a sync may have brought something since.
        work.after = None
        found = list(rows[:AT_ONCE])
    return [row for row in found if row.source_id == found[0].source_id]


def unindexed(work: Work) -> OrganizationQuerySet[Document]:
    """Return the query for documents that are live in the index in use, and not as they are now in this one."""
    return missing_in(work.base, work.index, in_use=work.base.active_index_id)


def missing_in(base: KnowledgeBase, index: KnowledgeIndex, *, in_use: UUID | None) -> OrganizationQuerySet[Document]:
    """The same of any two indexes of a base."""
    places = IndexedDocument.objects.for_organization(base.organization_id).filter(document=OuterRef("pk"))
    known = places.filter(index=in_use).exclude(sha256="")
    done = places.filter(index=index).filter(
        Q(sha256=OuterRef("sha256")) | Q(tried=OuterRef("sha256")),
    )
    rows = Document.objects.for_organization(base.organization_id).filter(base=base, blob__isnull=False)
    return rows.exclude(state=DocumentState.REMOVED).exclude(sha256="").filter(Exists(known), ~Exists(done))
