# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The last stage of a document: its staged chunks take the place of its live ones, all at once or not at all."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from rag.adapters.chunk_rows import drop_staged, find_unfinished, switch_chunks
from rag.adapters.document_rows import settle_documents
from rag.models import Document, DocumentState, IndexedDocument, KnowledgeBase
from rag.workers.holding import fit_reason
from rag.workers.work import Work


class IndexMoved(Exception):
    """The base uses another index by now than this work was begun for."""


def switch_documents(work: Work, document_ids: Sequence[UUID], *, revision: int) -> list[UUID]:
    """Let every document that has all its vectors be found; return which. Raises HoldLost, IndexMoved."""
    with tenant(work.organization_id):
        _insist_on_index(work)
        unfinished = find_unfinished(work.index.pk, document_ids)
        documents = _held(work, [id_ for id_ in document_ids if id_ not in unfinished])
        places = _places(work, list(documents))
        # A content that came meanwhile is cut first: what is staged is not of it.
        ready = [id_ for id_ in documents if id_ in places and places[id_].staged == documents[id_].sha256]
        if not ready:
            return []
        work.hold.note(indexed=len(ready))
        counts = switch_chunks(work.index.pk, ready, revision=revision, keeps_history=work.keeps_history)
        settle_documents(work.index.pk, {id_: counts.get(id_, 0) for id_ in ready}, is_in_use=not work.is_reindex)
        return ready


def settle_unchanged(work: Work, document_id: UUID) -> None:
    """Write that a document's content turned out to be what is live already. Raises HoldLost."""
    with tenant(work.organization_id):
        work.hold.note(unchanged=1)
        drop_staged(work.index.pk, [document_id])
        rows = Document.objects.for_organization(work.organization_id).filter(pk=document_id)
        rows.update(state=DocumentState.READY, reason="", error_code="", updated_at=clock.now())
        places = IndexedDocument.objects.for_organization(work.organization_id).filter(document=document_id)
        places.filter(index=work.index).update(tries=0, staged="")


def fail_document(work: Work, document_id: UUID, error: CodexosError) -> None:
    """Write why one document failed; what was live of it stays. Raises HoldLost."""
    reason = fit_reason(error.message)
    with tenant(work.organization_id):
        work.hold.note(failed=1)
        drop_staged(work.index.pk, [document_id])
        rows = Document.objects.for_organization(work.organization_id).filter(pk=document_id)
        sha256 = rows.values_list("sha256", flat=True).first() or ""
        places = IndexedDocument.objects.for_organization(work.organization_id).filter(document=document_id)
        told = {"error_code": error.code, "reason": reason}
        places.filter(index=work.index).update(staged="", tries=0, tried=sha256, **told)
        if not work.is_reindex:
            rows.update(state=DocumentState.FAILED, updated_at=clock.now(), **told)


def _insist_on_index(work: Work) -> None:
    rows = KnowledgeBase.objects.for_organization(work.organization_id).filter(pk=work.base.pk)
    # Whoever switches the base to another index waits for this transaction, and this one for that.
    active = rows.select_for_update(no_key=True, of=("self",)).values_list("active_index_id", flat=True).first()
    if not work.is_reindex and active != work.index.pk:
        raise IndexMoved


def _held(work: Work, ids: Sequence[UUID]) -> Mapping[UUID, Document]:
    rows = Document.objects.for_organization(work.organization_id).filter(pk__in=list(ids))
    rows = rows.exclude(state=DocumentState.REMOVED)
    return {row.pk: row for row in rows.select_for_update(of=("self",)).order_by("pk")}


def _places(work: Work, ids: Sequence[UUID]) -> Mapping[UUID, IndexedDocument]:
    rows = IndexedDocument.objects.for_organization(work.organization_id).filter(index=work.index)
    return {row.document_id: row for row in rows.filter(document__in=list(ids))}
