# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The last stage of a document: its staged chunks take the place of its live ones, all at once or not at all."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from rag.adapters.chunk_rows import drop_staged, find_unfinished, switch_chunks
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
        for id_ in ready:
            _settle(places[id_], documents[id_], counts.get(id_, 0), is_reindex=work.is_reindex)
        _save([places[id_] for id_ in ready], [] if work.is_reindex else [documents[id_] for id_ in ready])
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


def _settle(place: IndexedDocument, document: Document, count: int, *, is_reindex: bool) -> None:
    place.sha256, place.staged, place.tries = place.staged, "", 0
    place.tried, place.error_code, place.reason, place.chunk_count = "", "", "", count
    if is_reindex or document.listed:
        # Listed again meanwhile, it waits for what it is to be next.
        return
    document.state, document.reason, document.error_code = DocumentState.READY, "", ""
    document.chunk_count, document.updated_at = count, clock.now()


def _save(places: Sequence[IndexedDocument], documents: Sequence[Document]) -> None:
    told = ["sha256", "staged", "tries", "tried", "error_code", "reason", "chunk_count"]
    IndexedDocument.objects.for_organization(places[0].organization_id).bulk_update(places, told)
    if documents:
        rows = Document.objects.for_organization(documents[0].organization_id)
        rows.bulk_update(documents, ["state", "reason", "error_code", "chunk_count", "updated_at"])
