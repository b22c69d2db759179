# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries an ingestion, a slice at a time: list, then fetch, cut, embed and switch some documents after others.

What is done stands in the database after each step, so whoever carries it next goes on from there: a document whose
chunks are staged is not read again, a chunk that has its vector is not embedded again. A slice is short, for the worker
has mails to send as well; each sends a message for the next.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError

from accounts.tenancy import tenant
from codexos.kernel.errors import CodexosError, InvalidInput, LimitReached, NotFound
from rag.engine.ingest import MOST_TRIES
from rag.errors.ingestions import DocumentTooHard
from rag.models import Document, DocumentState, IndexedDocument, IngestionKind, IngestionState
from rag.workers.cutting import cut_document, note_begun, note_unharmed
from rag.workers.embedding import embed_documents
from rag.workers.fetching import fetch
from rag.workers.finishing import Ended, finish
from rag.workers.holding import Hold, HoldLost, beating, claim
from rag.workers.listing import list_source
from rag.workers.planning import next_documents, revision_of
from rag.workers.removing import count_chunks, forget_fetched
from rag.workers.switching import IndexMoved, fail_document, settle_unchanged, switch_documents
from rag.workers.work import Work, load_work

SLICE_SECONDS = 8.0
MOST_AWAY = 5
"""So many documents in a row that cannot be fetched say that it is the source that is away."""
_AWAY = (OperationalError, InterfaceError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Next:
    """The slice to do next: of which ingestion, and the attempt that it goes on from."""

    ingestion_id: UUID
    attempt: int


def carry(organization_id: UUID, ingestion_id: UUID, *, attempt: int, seconds: float = SLICE_SECONDS) -> Next | None:
    """Carry an ingestion for a slice; return what is to be carried next, None where there is nothing now."""
    hold = claim(organization_id, ingestion_id, attempt=attempt)
    if hold is None:
        return None
    with beating(hold):
        try:
            ended = _carry(hold, until=time.monotonic() + seconds)
        except HoldLost:
            return None
        except _AWAY:
            raise
        except CodexosError as error:
            _stop(hold, error)
            return None
        except Exception:
            log.exception("Ingestion %s broke off", ingestion_id)
            hold.rest("Something went wrong here that is not your doing; it is tried again.")
            return None
    if ended is not None:
        return None if ended.following is None else Next(ended.following, attempt=0)
    # Only now: a heart that still beats would take it for this worker once more.
    hold.let_go()
    return Next(ingestion_id, hold.attempt)


def _carry(hold: Hold, *, until: float) -> Ended | None:
    """Return how it ended; None where it is not over."""
    work = load_work(hold)
    is_over = True
    try:
        if work.ingestion.kind == IngestionKind.SYNC and work.ingestion.listed_at is None:
            list_source(work)
            work.reload()
        is_time_left = True
        while is_time_left:
            documents = next_documents(work)
            if not documents:
                return finish(work)
            _do(work, documents, until=until)
            is_time_left = time.monotonic() < until
        is_over = False
        return None
    except IndexMoved:
        return None
    except HoldLost:
        work.close(is_over=True)
        if work.source is not None:
            forget_fetched(hold.organization_id, work.source.pk)
        raise
    finally:
        work.close(is_over=is_over)
        with tenant(hold.organization_id):
            count_chunks(hold.organization_id, work.index.pk)


def _stop(hold: Hold, error: CodexosError) -> None:
    """Rest where trying again may help; else it has failed."""
    seconds = error.details.get("retry_after_seconds")
    try:
        if error.retryable or seconds is not None:
            hold.rest(error.message, at_least=float(seconds or 0))
        else:
            hold.end(IngestionState.FAILED, reason=error.message)
    except HoldLost:
        log.info("Ingestion %s was another's when it stopped", hold.ingestion_id)


def _do(work: Work, documents: Sequence[Document], *, until: float) -> None:
    """Bring some documents on: those whose chunks are staged straight to their vectors."""
    places = _places(work, documents)
    staged = [each.pk for each in documents if _is_staged(work, each, places[each.pk])]
    fresh = [each for each in documents if each.pk not in staged]
    suspect = next((each for each in fresh if places[each.pk].tries), None)
    if suspect is not None:
        # A worker died with it and others: which of them was to blame shows when each is read by itself.
        fresh = [suspect]
    staged += _cut_all(work, fresh, places)
    failed = embed_documents(work, staged, until=until)
    for document_id, error in failed.items():
        fail_document(work, document_id, error)
    left = [id_ for id_ in staged if id_ not in failed]
    if left and len(switch_documents(work, left, revision=revision_of(work, documents[0]))) == len(left):
        work.after = documents[-1].pk


def _is_staged(work: Work, document: Document, place: IndexedDocument) -> bool:
    is_cut = bool(document.sha256) and place.staged == document.sha256
    return is_cut and (work.is_reindex or document.state == DocumentState.EMBEDDING)


def _cut_all(work: Work, documents: Sequence[Document], places: Mapping[UUID, IndexedDocument]) -> list[UUID]:
    """Fetch and cut documents, each failing alone; return those that are staged now."""
    if not documents:
        return []
    hard = [each for each in documents if places[each.pk].tries >= MOST_TRIES]
    for document in hard:
        fail_document(work, document.pk, DocumentTooHard(document.path, tries=MOST_TRIES))
    documents = [each for each in documents if each not in hard]
    begun = [places[document.pk] for document in documents]
    note_begun(work, begun)
    staged: list[UUID] = []
    away = 0
    try:
        for document in documents:
            work.hold.check()
            try:
                if _cut_one(work, document, places[document.pk]):
                    staged.append(document.pk)
                away = 0
            except CodexosError as error:
                away = away + 1 if error.retryable else 0
                if away >= MOST_AWAY or not (error.retryable or _is_its_fault(error)):
                    raise
                fail_document(work, document.pk, error)
    except BaseException:
        # Only what takes the worker itself along leaves documents begun.
        note_unharmed(work, [place for place in begun if place.document_id not in staged])
        raise
    return staged


def _cut_one(work: Work, document: Document, place: IndexedDocument) -> bool:
    """Fetch and cut one document; return whether it has staged chunks to switch to."""
    fetch(work, document)
    if place.sha256 and place.sha256 == document.sha256:
        settle_unchanged(work, document.pk)
        return False
    cut_document(work, document, place)
    return True


def _is_its_fault(error: CodexosError) -> bool:
    return isinstance(error, InvalidInput | NotFound | LimitReached)


def _places(work: Work, documents: Sequence[Document]) -> dict[UUID, IndexedDocument]:
    """Return how far each document is in the index, with a new row where it is not in it."""
    with tenant(work.organization_id):
        rows = IndexedDocument.objects.for_organization(work.organization_id).filter(index=work.index)
        new = [
            IndexedDocument(organization_id=work.organization_id, index=work.index, document=document)
            for document in documents
        ]
        IndexedDocument.objects.bulk_create(new, ignore_conflicts=True)
        return {row.document_id: row for row in rows.filter(document__in=[document.pk for document in documents])}
