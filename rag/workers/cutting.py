# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From bytes to staged chunks: a document is read in a process apart, cut into pieces, and these are written at once.

So a worker that dies leaves all chunks of a document staged, or none. What reads the same as a chunk that somebody in
the organization had embedded by the same model has its vector from the start.
"""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.db.models import F

from accounts.tenancy import tenant
from codexos.kernel import clock
from rag.adapters.blobs import read_whole
from rag.adapters.chunk_rows import Staging, drop_staged, stage_pieces
from rag.adapters.parsing.reading import reading
from rag.engine.chunking.cutting import cut
from rag.engine.parsed import Parsed, Piece
from rag.engine.ports import BlobKey
from rag.errors.ingestions import DocumentTooLong, IndexFull
from rag.models import Document, DocumentState, IndexedDocument, KnowledgeIndex
from rag.workers.symbols import index_document
from rag.workers.work import Work

_MOST_ALIKE = 1_000


def cut_document(work: Work, document: Document, place: IndexedDocument) -> None:
    """Read a document whose bytes are here, cut it and stage its chunks.

    Raises HoldLost, DocumentTooLong, IndexFull, and what reading raises where the document is to blame.
    """
    parsed, pieces = _pieces_of(work, document)
    _check_room(work, len(pieces))
    if not work.is_reindex:
        index_document(document)
    with tenant(work.organization_id):
        work.hold.note(parsed=1, chunked=len(pieces))
        if place.staged:
            drop_staged(work.index.pk, [document.pk])
        _describe(document, parsed)
        stage_pieces(_staging(work, document), pieces)
        place.staged, place.tries, place.tried = document.sha256, 0, ""
        place.save(update_fields=["staged", "tries", "tried"])
        if not work.is_reindex:
            document.state = DocumentState.EMBEDDING
        document.save(update_fields=["title", "language", "pages", "media_type", "state", "updated_at"])


def _pieces_of(work: Work, document: Document) -> tuple[Parsed, list[Piece]]:
    limit = settings.KNOWLEDGE_DOCUMENT_CHUNKS
    with reading(_bytes_of(document), path=document.path, media_type=document.media_type) as parsed:
        pieces = list(islice(cut(parsed, work.chunking), limit + 1))
    if len(pieces) > limit:
        raise DocumentTooLong(document.path, limit=limit)
    return parsed, pieces


def _bytes_of(document: Document) -> Iterator[bytes]:
    return read_whole(BlobKey(document.organization_id, document.sha256))


def _check_room(work: Work, count: int) -> None:
    # Counted at the end of each slice: a few chunks more or less are no matter.
    if work.index.chunk_count + count > settings.KNOWLEDGE_CHUNKS:
        raise IndexFull(limit=settings.KNOWLEDGE_CHUNKS)


def _staging(work: Work, document: Document) -> Staging:
    return Staging(work.organization_id, work.index.pk, document.pk, document.title, _alike(work))


def _alike(work: Work) -> list[UUID]:
    """Return the indexes whose vectors are of the very maker of this one's; asked once a slice."""
    identity = work.index.identity
    if identity and work.alike is None:
        rows = KnowledgeIndex.objects.for_organization(work.organization_id).filter(identity=identity)
        work.alike = list(rows.values_list("pk", flat=True)[:_MOST_ALIKE])
    return work.alike or []


def _describe(document: Document, parsed: Parsed) -> None:
    document.title = parsed.title[:300] or document.title
    document.language, document.pages = parsed.language[:40], parsed.pages
    document.media_type = parsed.media_type[:100] or document.media_type
    document.updated_at = clock.now()


def note_begun(work: Work, places: list[IndexedDocument]) -> None:
    """Write that documents are begun, before anything is done that could take the worker along. Raises HoldLost."""
    ids = [place.document_id for place in places]
    with tenant(work.organization_id):
        work.hold.note()
        rows = IndexedDocument.objects.for_organization(work.organization_id)
        rows.filter(pk__in=[place.pk for place in places]).update(tries=F("tries") + 1)
        if not work.is_reindex:
            documents = Document.objects.for_organization(work.organization_id).filter(pk__in=ids)
            documents.update(state=DocumentState.PARSING, reason="", error_code="", updated_at=clock.now())


def note_unharmed(work: Work, places: list[IndexedDocument]) -> None:
    """Take back that documents were begun: whatever ended the work came not from them."""
    with tenant(work.organization_id):
        rows = IndexedDocument.objects.for_organization(work.organization_id)
        rows.filter(pk__in=[place.pk for place in places], tries__gt=0).update(tries=F("tries") - 1)
