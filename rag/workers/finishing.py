# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How an ingestion ends: its source rests, or its base is switched to the index it has made."""

from dataclasses import dataclass
from uuid import UUID

from accounts.operations.usage import Metered, record_all_usage
from accounts.tenancy import tenant
from codexos.kernel import clock
from rag.models import (
    IndexedDocument,
    IndexState,
    Ingestion,
    IngestionKind,
    IngestionState,
    KnowledgeBase,
    KnowledgeIndex,
    KnowledgeTestCause,
    Source,
    SourceState,
)
from rag.workers.histories import read_past
from rag.workers.holding import fit_reason
from rag.workers.indexes import use_index
from rag.workers.planning import next_documents
from rag.workers.removing import count_chunks
from rag.workers.testing import is_testable, queue_test
from rag.workers.work import Work

SWITCH_BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class Ended:
    """An ingestion is over. ``following`` is the one that was wanted while it went on."""

    following: UUID | None = None


def finish(work: Work) -> Ended | None:
    """End an ingestion that has nothing left to do; None where something came meanwhile. Raises HoldLost."""
    if work.keeps_history:
        read_past(work.origin, commit=work.revision.commit)
    with tenant(work.organization_id):
        work.hold.note()
        return _finish_index(work) if work.is_reindex else _finish_source(work)


def _finish_source(work: Work) -> Ended | None:
    rows = Source.objects.for_organization(work.organization_id).filter(pk=work.origin.pk)
    # Held: whoever wants another reading now either sees this one still open, or begins one of their own.
    source = rows.select_for_update(of=("self",)).get()
    if next_documents(work):
        return None
    now = clock.now()
    _end(work)
    if source.state == SourceState.SYNCING:
        source.state = SourceState.IDLE
    if work.ingestion.kind == IngestionKind.SYNC:
        source.last_synced_at = now
    wanted, source.wanted_at = source.wanted_at, None
    source.save(update_fields=["state", "last_synced_at", "wanted_at"])
    return Ended(None if wanted is None else _begin_next(work, source))


def _begin_next(work: Work, source: Source) -> UUID:
    following = Ingestion.objects.create(
        organization_id=work.organization_id,
        base_id=source.base_id,
        source=source,
        kind=IngestionKind.SYNC,
        started_by=work.ingestion.started_by,
    )
    return following.pk


def _finish_index(work: Work) -> Ended | None:
    rows = KnowledgeBase.objects.for_organization(work.organization_id).filter(pk=work.base.pk)
    # Held: no document is switched in the index in use between the look for what is left, and the other index's use.
    base = rows.select_for_update(no_key=True, of=("self",)).get()
    if next_documents(work):
        return None
    count = count_chunks(work.organization_id, work.index.pk)
    lost = _lost(work, base)
    is_ready = bool(count) or not lost
    state = IndexState.READY if is_ready else IndexState.FAILED
    indexes = KnowledgeIndex.objects.for_organization(work.organization_id).filter(pk=work.index.pk)
    indexes.update(state=state, made_at=clock.now(), reason=lost)
    _end(work, IngestionState.SUCCEEDED if is_ready else IngestionState.FAILED, reason=lost)
    switches = base.settings.get("switch") != SWITCH_BY_HAND and not lost
    if is_ready and is_testable(base):
        # It waits for its test, which switches to it.
        by = work.ingestion.started_by
        queue_test(base, work.index, cause=KnowledgeTestCause.REINDEX, started_by=by, switches=switches)
    elif switches:
        use_index(base, work.index)
    return Ended()


def _lost(work: Work, base: KnowledgeBase) -> str:
    """Say why the other index does not answer: most of what is found now would not be. Nothing where it may."""
    places = IndexedDocument.objects.for_organization(work.organization_id)
    found_now = places.filter(index_id=base.active_index_id, chunk_count__gt=0)
    failed = places.filter(index=work.index, document__in=found_now.values("document_id"), chunk_count=0)
    failed = failed.exclude(error_code="")
    first, count = failed.select_related("document").order_by("document_id").first(), failed.count()
    if first is None or count * 2 <= found_now.count():
        return ""
    return fit_reason(
        f"{count} documents that are found now could not be taken into this index, such as "
        f"{first.document.path[:100]!r}: {first.reason} The index before goes on answering. Rebuild, or switch to it."
    )


def _end(work: Work, state: IngestionState = IngestionState.SUCCEEDED, *, reason: str = "") -> None:
    now = clock.now()
    row = work.hold.rows().get()
    # What the list was remarkable for stays said.
    told = {"state": state, "ended_at": now, "claimed_until": None, "updated_at": now, "reason": reason or row.reason}
    work.hold.rows().update(**told)
    if row.embedded:
        details = {"knowledge_base": str(work.base.pk), "ingestion": str(row.pk), "model": work.index.identity}
        chunks = Metered(
            kind="knowledge.chunks",
            quantity=row.embedded,
            unit="chunk",
            project_id=work.base.project_id,
            details={**details},
        )
        record_all_usage(work.organization_id, [chunks])
