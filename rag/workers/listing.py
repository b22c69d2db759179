# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The first stage of a sync: what its source holds is compared with what is known, some hundred documents at a time.

Each batch is one transaction: what is new or changed waits from then on, whatever becomes of this worker. A list that
was broken off is read again from its begin, which finds what it had taken up unchanged. What is gone is told apart only
when the list has come to its end.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F

from accounts.tenancy import OrganizationQuerySet, tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from rag.engine.ingest import APART, Known, Missing, Seen, Verdict, batches, is_gone, is_suspicious, judge, moves
from rag.engine.ports import Delta, Entry, HistoryReader
from rag.errors.ingestions import DocumentSkipped, SourceTooLarge
from rag.models import Document, DocumentState, IndexedDocument, Revision, Source
from rag.models.documents import MARK_LENGTH
from rag.workers.histories import record_history
from rag.workers.holding import fit_reason
from rag.workers.removing import empty_documents, remove_documents
from rag.workers.work import Work

AT_ONCE = 500
log = logging.getLogger(__name__)
_SKIPPED = DocumentSkipped.code
_TAKEN_UP = ["listed", "state", "changed_at", "size", "reason", "error_code", "missing_since", "sightings_missing"]


@dataclass(slots=True)
class _Listed:
    """What a list has come to so far."""

    seen: Seen = field(default_factory=Seen)
    size: int = 0
    changed: int = 0


def list_source(work: Work) -> None:
    """Take up what the source holds. Raises HoldLost, SourceTooLarge and what its reader raises."""
    delta = work.reader().look(work.origin.cursor)
    number = _begin(work, delta)
    listed = _Listed()
    for some in batches(_checked(delta, listed), of=AT_ONCE):
        _take_up(work, some, listed)
    _end(work, delta, listed, number=number)
    _record_history(work, delta)


def _record_history(work: Work, delta: Delta) -> None:
    """Take up who changed what and when, where the source knows; no reading fails for it."""
    reader = work.reader()
    if not work.keeps_history or not isinstance(reader, HistoryReader):
        return
    try:
        record_history(work.origin, reader, commit=delta.revision.commit)
    except CodexosError:
        log.warning("The history of source %s could not be read", work.origin.pk, exc_info=True)


def _checked(delta: Delta, listed: _Listed) -> Iterator[Entry]:
    for count, entry in enumerate(delta.entries, start=1):
        listed.size += entry.size or 0
        if count > settings.KNOWLEDGE_SOURCE_DOCUMENTS:
            raise SourceTooLarge(what="documents", limit=settings.KNOWLEDGE_SOURCE_DOCUMENTS)
        if listed.size > settings.KNOWLEDGE_SOURCE_BYTES:
            raise SourceTooLarge(what="bytes", limit=settings.KNOWLEDGE_SOURCE_BYTES)
        yield entry


def _begin(work: Work, delta: Delta) -> int:
    """Number the state that is read. The same state, read again, keeps its number."""
    told = delta.revision
    with tenant(work.organization_id):
        work.hold.note()
        # What an earlier worker had counted before it died is counted anew.
        work.hold.rows().update(found=0, unchanged=0)
        source = _held(work)
        rows = Revision.objects.for_organization(work.organization_id).filter(source=source)
        same = rows.filter(commit=told.commit).order_by("-number").first() if told.commit else None
        if same is not None:
            return same.number
        if not told.commit:
            return source.revision + 1
        source.revision += 1
        source.save(update_fields=["revision"])
        _write_revision(work, delta, number=source.revision)
        return source.revision


def _write_revision(work: Work, delta: Delta, *, number: int) -> None:
    told = delta.revision
    Revision.objects.create(
        organization_id=work.organization_id,
        source_id=work.origin.pk,
        number=number,
        commit=told.commit[:64],
        branch=told.branch[:255],
        at=told.at or clock.now(),
        author=told.author[:254],
        subject=told.subject[:300],
    )


def _take_up(work: Work, entries: Sequence[Entry], listed: _Listed) -> None:
    # A list that names a path twice means it once.
    named = {entry.path: entry for entry in entries}
    with tenant(work.organization_id):
        paths = {*named, *(entry.moved_from for entry in entries if entry.moved_from)}
        known = {row.path: row for row in _documents(work).filter(path__in=paths)}
        _move(work, list(named.values()), known)
        verdicts = {path: judge(entry, _known(known.get(path))) for path, entry in named.items()}
        _write_new(work, [named[path] for path, verdict in verdicts.items() if path not in known])
        changed = [path for path, verdict in verdicts.items() if path in known and verdict is not Verdict.UNCHANGED]
        _write_changed([_renewed(known[path], named[path]) for path in changed])
        _sight_again(work, [known[path] for path in known.keys() & named.keys()])
        _skip(work, [known[path].pk for path in changed if verdicts[path] is Verdict.SKIPPED])
        unchanged = sum(verdict is Verdict.UNCHANGED for verdict in verdicts.values())
        listed.changed += len(verdicts) - unchanged
        work.hold.note(found=len(named), unchanged=unchanged)
    listed.seen.add(named)


def _move(work: Work, entries: Sequence[Entry], known: dict[str, Document]) -> None:
    moved = list(moves(entries, known=known))
    for before, entry in moved:
        row = known.pop(before)
        row.path = entry.path
        # With its path a document's context may change, so it is cut anew; what reads the same keeps its vector.
        row.save(update_fields=["path"])
        known[entry.path] = row
    places = IndexedDocument.objects.for_organization(work.organization_id)
    places.filter(document__in=[known[entry.path].pk for _, entry in moved]).update(sha256="", staged="")


def _known(row: Document | None) -> Known | None:
    if row is None:
        return None
    is_removed = row.state == DocumentState.REMOVED
    # One that could not be fetched is tried again, whatever its mark.
    is_unread = row.state == DocumentState.FAILED and bool(row.listed)
    mark = "" if is_unread else row.listed or row.mark
    return Known(mark, is_removed=is_removed, is_skipped=row.error_code == _SKIPPED)


def _write_new(work: Work, entries: Sequence[Entry]) -> None:
    source = work.origin
    rows = [
        _renewed(
            Document(
                organization_id=work.organization_id,
                base_id=work.base.pk,
                source_id=source.pk,
                source_type=source.kind,
                path=entry.path,
                tags=source.tags,
            ),
            entry,
        )
        for entry in entries
    ]
    Document.objects.bulk_create(rows, batch_size=AT_ONCE)


def _renewed(row: Document, entry: Entry) -> Document:
    row.listed, row.changed_at = entry.mark[:MARK_LENGTH], entry.changed_at
    row.size = row.size if entry.size is None else entry.size
    row.missing_since, row.sightings_missing = None, 0
    row.state, row.reason, row.error_code = DocumentState.WAITING, "", ""
    if entry.title:
        row.title = entry.title[:300]
    if entry.skipped:
        skipped = DocumentSkipped(entry.path, because=entry.skipped)
        row.state, row.reason, row.error_code = DocumentState.FAILED, fit_reason(skipped.message), _SKIPPED
    return row


def _write_changed(rows: Sequence[Document]) -> None:
    if rows:
        Document.objects.for_organization(rows[0].organization_id).bulk_update(rows, _TAKEN_UP, batch_size=AT_ONCE)


def _sight_again(work: Work, rows: Sequence[Document]) -> None:
    back = [row.pk for row in rows if row.missing_since is not None]
    if back:
        _documents(work).filter(pk__in=back).update(missing_since=None, sightings_missing=0)


def _skip(work: Work, ids: Sequence[UUID]) -> None:
    # What the source gives no more must not be found any more.
    if ids:
        empty_documents(work.organization_id, ids, revision=work.number + 1, keeps_history=work.keeps_history)


def _end(work: Work, delta: Delta, listed: _Listed, *, number: int) -> None:
    gone, note = _find_gone(work, delta, listed)
    for some in batches(gone, of=AT_ONCE):
        with tenant(work.organization_id):
            work.hold.note(removed=len(some))
            remove_documents(work.organization_id, some, revision=number, keeps_history=work.keeps_history)
    with tenant(work.organization_id):
        work.hold.note()
        source = _held(work)
        if number > source.revision and (gone or listed.changed):
            _write_revision(work, delta, number=number)
            source.revision = number
        source.cursor, source.reason = delta.cursor, fit_reason(note)
        source.save(update_fields=["revision", "cursor", "reason"])
        told: dict[str, Any] = {"listed_at": clock.now(), "revision": source.revision, "reason": fit_reason(note)}
        work.hold.rows().update(**told)


def _find_gone(work: Work, delta: Delta, listed: _Listed) -> tuple[list[UUID], str]:
    """Return which documents are gone, and what people should know of those that may be."""
    removed = set(delta.removed)
    rows = _documents(work).exclude(state=DocumentState.REMOVED)
    with tenant(work.organization_id):
        work.hold.note()
        gone = _ids(rows, [path for path in removed if path not in listed.seen])
        missing = [row for row in _each(rows, delta) if row.path not in listed.seen and row.path not in removed]
        if delta.is_sure or work.ingestion.confirmed:
            return [*gone, *(row.pk for row in missing)], ""
        known = rows.count() - len(gone)
        if delta.is_whole and is_suspicious(shown=len(listed.seen), known=known):
            return gone, (
                f"The source shows {len(listed.seen)} documents where {known} are known, so nothing was taken as gone. "
                "If they are, sync it with removals confirmed."
            )
        return [*gone, *_sight_missing(work, missing)], ""


def _each(rows: OrganizationQuerySet[Document], delta: Delta) -> Iterator[Document]:
    """Yield the documents that may be missing: any, of a whole list; else those that were missing before."""
    if not delta.is_whole:
        if delta.is_sure:
            return
        rows = rows.filter(missing_since__isnull=False)
    yield from rows.only("pk", "path", "missing_since", "sightings_missing").iterator(chunk_size=2_000)


def _ids(rows: OrganizationQuerySet[Document], paths: Sequence[str]) -> list[UUID]:
    return [
        id_ for some in batches(paths, of=AT_ONCE) for id_ in rows.filter(path__in=some).values_list("pk", flat=True)
    ]


def _sight_missing(work: Work, missing: Sequence[Document]) -> list[UUID]:
    """Note what is missing; return what has been missing often enough."""
    now = clock.now()
    first = [row.pk for row in missing if row.missing_since is None]
    for some in batches(first, of=AT_ONCE):
        _documents(work).filter(pk__in=some).update(missing_since=now, sightings_missing=F("sightings_missing") + 1)
    return [row.pk for row in missing if is_gone(_missing(row), at=now, apart=APART)]


def _missing(row: Document) -> Missing:
    return Missing(row.missing_since, row.sightings_missing)


def _documents(work: Work) -> OrganizationQuerySet[Document]:
    rows = Document.objects.for_organization(work.organization_id)
    return rows.filter(source_id=work.origin.pk)


def _held(work: Work) -> Source:
    rows = Source.objects.for_organization(work.organization_id)
    return rows.select_for_update(of=("self",)).get(pk=work.origin.pk)
