# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Beginning ingestions, and what people do to them: pause, resume, retry, cancel. Workers carry them (rag.workers)."""

from uuid import UUID

from django.db.models import Q
from django.db.transaction import on_commit

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel import clock
from rag.engine.base_settings import BaseSettings
from rag.errors.ingestions import IngestionStateWrong
from rag.errors.knowledge import SourceNotFound
from rag.models import (
    OPEN_INGESTIONS,
    Document,
    DocumentState,
    IndexedDocument,
    IndexState,
    Ingestion,
    IngestionKind,
    IngestionState,
    KnowledgeBase,
    KnowledgeIndex,
    Source,
    SourceState,
)
from rag.queries.sources import access_ingestion
from rag.tasks import ingest

_ALIVE = (IngestionState.QUEUED, IngestionState.RUNNING)
_LABEL_LENGTH = 254
_OVER = (IngestionState.FAILED, IngestionState.CANCELLED, IngestionState.SUCCEEDED)


@in_organization
def start_ingestion(actor: Actor, source: Source, *, kind: str, confirmed: bool = False) -> Ingestion:
    """Begin to read a source, or to take in what was uploaded to it; must have been allowed by whoever calls.

    Where one is open already, that is returned, and another reading follows it: what it has looked at by now it does
    not look at again. ``confirmed`` says that a person knows of what is missing, so it is gone at once.
    """
    return begin_ingestion(actor.organization_id, source.pk, kind=kind, started_by=actor.label, confirmed=confirmed)


def begin_ingestion(
    organization_id: UUID, source_id: UUID, *, kind: str, started_by: str, confirmed: bool = False
) -> Ingestion:
    """The same, where nobody but the clock, a webhook or an event asks for it. Must run inside the organization.

    Raises SourceNotFound where it was deleted meanwhile.
    """
    sources = Source.objects.for_organization(organization_id).select_related("base")
    held = sources.select_for_update(of=("self",)).filter(pk=source_id, deleted_at=None).first()
    if held is None:
        raise SourceNotFound(str(source_id))
    rows = Ingestion.objects.for_organization(organization_id).filter(source=held)
    open_one = rows.filter(state__in=OPEN_INGESTIONS).select_related("base", "source").first()
    if open_one is not None:
        return _follow_up(open_one, held, kind=kind, confirmed=confirmed)
    row = Ingestion.objects.create(
        organization_id=organization_id,
        base=held.base,
        source=held,
        index_id=held.base.active_index_id,
        kind=kind,
        confirmed=confirmed,
        started_by=started_by[:_LABEL_LENGTH],
    )
    if held.state != SourceState.PAUSED:
        _mark(held, SourceState.SYNCING)
    _enqueue(row)
    return row


@in_organization
def rebuild_index(actor: Actor, base: KnowledgeBase) -> Ingestion:
    """Build another index of a base beside the one in use, by its settings as they are now.

    One that is being built is given up for it. Questions are answered by the index in use until the other is done.
    """
    held = KnowledgeBase.objects.for_organization(actor.organization_id).select_for_update(of=("self",)).get(pk=base.pk)
    indexes = KnowledgeIndex.objects.for_organization(actor.organization_id).filter(base=held)
    building = Ingestion.objects.for_organization(actor.organization_id).filter(
        base=held, kind=IngestionKind.REINDEX, state__in=OPEN_INGESTIONS
    )
    for row in building:
        _give_up(row)
    indexes.filter(state__in=[IndexState.BUILDING, IndexState.READY]).update(state=IndexState.RETIRED)
    said = BaseSettings.from_json(held.settings)
    last = indexes.order_by("-number").values_list("number", flat=True).first() or 0
    index = KnowledgeIndex.objects.create(
        organization_id=actor.organization_id,
        base=held,
        number=last + 1,
        model=said.model,
        chunking=said.chunking.as_json(),
        state=IndexState.BUILDING,
    )
    row = Ingestion.objects.create(
        organization_id=actor.organization_id,
        base=held,
        index=index,
        kind=IngestionKind.REINDEX,
        started_by=actor.label,
    )
    record_event(actor, "knowledge_base.rebuilt", about=held, index=index.number, model=said.model)
    _enqueue(row)
    return row


@in_organization
def pause_ingestion(actor: Actor, ingestion: UUID | str) -> Ingestion:
    """Stop an ingestion where it is, to go on later. Raises IngestionNotFound, NotAllowed, IngestionStateWrong."""
    row = _held(actor, ingestion, among=_ALIVE, wanted="paused", advice="It has ended, or is paused already.")
    row.state, row.claimed_until = IngestionState.PAUSED, None
    return _moved(actor, row, "ingestion.paused")


@in_organization
def resume_ingestion(actor: Actor, ingestion: UUID | str) -> Ingestion:
    """Go on with a paused ingestion where it was. Raises as pausing does."""
    row = _held(actor, ingestion, among=(IngestionState.PAUSED,), wanted="resumed", advice="Only a paused one is.")
    row.state, row.rests = IngestionState.QUEUED, 0
    _enqueue(row)
    return _moved(actor, row, "ingestion.resumed")


@in_organization
def cancel_ingestion(actor: Actor, ingestion: UUID | str) -> Ingestion:
    """Stop an ingestion for good; what is done stays, and the next one does what is left. Raises as pausing does."""
    row = _held(actor, ingestion, among=OPEN_INGESTIONS, wanted="cancelled", advice="It has ended.")
    _give_up(row)
    if row.source is not None:
        row.source.wanted_at = None
        _mark(
            row.source, SourceState.IDLE if row.source.state == SourceState.SYNCING else SourceState(row.source.state)
        )
    return _moved(actor, row, "ingestion.cancelled")


@in_organization
def retry_ingestion(actor: Actor, ingestion: UUID | str) -> Ingestion:
    """Do again what failed of an ingestion that is over, and what it did not come to. Raises as pausing does.

    Where its source is being read by now, that reading does it.
    """
    row = _held(
        actor, ingestion, among=_OVER, wanted="retried", advice="It is under way; failed documents wait for it."
    )
    if row.kind == IngestionKind.REINDEX:
        return rebuild_index(actor, row.base)
    assert row.source is not None  # noqa: S101 - only a reindex has none
    _forgive(_documents(actor.organization_id).filter(source=row.source, state=DocumentState.FAILED))
    record_event(actor, "ingestion.retried", about=row, base=row.base.slug)
    # One that broke off before it had seen all of its source has to look at it again.
    is_listed = row.kind != IngestionKind.SYNC or row.listed_at is not None
    return start_ingestion(actor, row.source, kind=IngestionKind.UPLOAD if is_listed else IngestionKind.SYNC)


@in_organization
def retry_document(actor: Actor, document: Document) -> Ingestion:
    """Do one document again, whatever became of it; must have been allowed by whoever calls."""
    _forgive(_documents(actor.organization_id).filter(pk=document.pk))
    return start_ingestion(actor, document.source, kind=IngestionKind.UPLOAD)


def _follow_up(row: Ingestion, source: Source, *, kind: str, confirmed: bool) -> Ingestion:
    if confirmed and row.listed_at is None and row.kind == IngestionKind.SYNC:
        Ingestion.objects.for_organization(row.organization_id).filter(pk=row.pk).update(confirmed=True)
        return row
    is_begun = row.state != IngestionState.QUEUED or row.attempt > 0
    # What waits to be taken in is found by the open one, before it ends; what is to be looked at again is not.
    if kind == IngestionKind.SYNC and (is_begun or row.kind != IngestionKind.SYNC):
        source.wanted_at = clock.now()
        source.save(update_fields=["wanted_at"])
    return row


def _held(actor: Actor, ingestion: UUID | str, *, among: tuple[str, ...], wanted: str, advice: str) -> Ingestion:
    row = access_ingestion(actor, ingestion, to=Permission.WRITE_FILES, holding=True)
    if row.state not in among:
        raise IngestionStateWrong(state=row.get_state_display().lower(), wanted=wanted, advice=advice)
    return row


def _moved(actor: Actor, row: Ingestion, action: str) -> Ingestion:
    row.updated_at = clock.now()
    row.save(update_fields=["state", "claimed_until", "rests", "ended_at", "updated_at"])
    record_event(actor, action, about=row, base=row.base.slug)
    return row


def _give_up(row: Ingestion) -> None:
    row.state, row.claimed_until = IngestionState.CANCELLED, None
    row.ended_at = row.updated_at = clock.now()
    row.save(update_fields=["state", "claimed_until", "ended_at", "updated_at"])
    if row.kind == IngestionKind.REINDEX and row.index_id:
        indexes = KnowledgeIndex.objects.for_organization(row.organization_id).filter(pk=row.index_id)
        indexes.filter(state=IndexState.BUILDING).update(state=IndexState.RETIRED, made_at=clock.now())


def _forgive(rows: OrganizationQuerySet[Document]) -> None:
    """Let documents wait again, as if nothing had been tried."""
    ids = list(rows.values_list("pk", flat=True))
    if not ids:
        return
    places = IndexedDocument.objects.for_organization(rows[0].organization_id).filter(document__in=ids)
    places.update(tries=0, tried="", error_code="", reason="")
    rows.filter(~Q(state=DocumentState.REMOVED)).update(
        state=DocumentState.WAITING, reason="", error_code="", updated_at=clock.now()
    )


def _documents(organization_id: UUID) -> OrganizationQuerySet[Document]:
    return Document.objects.for_organization(organization_id)


def _mark(source: Source, state: SourceState) -> None:
    source.state, source.reason = state, ""
    source.save(update_fields=["state", "reason", "wanted_at"])


def _enqueue(row: Ingestion) -> None:
    # Robust: it is written down by now, and the clock takes up what a lost message left.
    organization_id, ingestion_id, attempt = str(row.organization_id), str(row.pk), row.attempt
    on_commit(lambda: ingest.delay(organization_id, ingestion_id, attempt), robust=True)
