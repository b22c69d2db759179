# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What nobody asks for and has to be seen to: ingestions whose worker died, sources that are due, files that came."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.events import DomainEvent, FileStored
from rag.engine.timetable import next_reading
from rag.errors.ingestions import SourceScheduleInvalid
from rag.models import Ingestion, IngestionKind, Source, SourceKind, SourceState
from rag.operations.ingestions import begin_ingestion
from rag.queries.lookups import Due, list_due_knowledge
from rag.tasks import drop_old_index, ingest, remove_deleted

QUIET = timedelta(minutes=1)
"""After so long without a sign a message has been lost."""


def attend_knowledge() -> int:
    """See to everything that is due, in every organization; return how many things those were."""
    now = clock.now()
    due = list_due_knowledge(now, quiet_since=now - QUIET)
    for each in due:
        _ATTEND[each.what](each)
    return len(due)


def follow_files(organization_id: UUID, project_id: UUID) -> None:
    """Read the sources again that are made of a project's files. Must run inside the organization."""
    rows = Source.objects.for_organization(organization_id).filter(kind=SourceKind.FILES, deleted_at=None)
    rows = rows.filter(base__project=project_id, base__deleted_at=None).exclude(state=SourceState.PAUSED)
    for source_id in list(rows.values_list("pk", flat=True)):
        begin_ingestion(organization_id, source_id, kind=IngestionKind.SYNC, started_by="Files of the project")


def on_file_stored(event: DomainEvent) -> None:
    """Hear that a file of a project was stored."""
    if isinstance(event, FileStored):
        follow_files(event.organization_id, event.project_id)


def _take_up(due: Due) -> None:
    with tenant(due.organization_id):
        rows = Ingestion.objects.for_organization(due.organization_id).filter(pk=due.id)
        attempt = rows.values_list("attempt", flat=True).first()
    if attempt is not None:
        ingest.delay(str(due.organization_id), str(due.id), attempt)


def _sync(due: Due) -> None:
    with tenant(due.organization_id):
        rows = Source.objects.for_organization(due.organization_id).filter(pk=due.id, deleted_at=None)
        source = rows.select_for_update(of=("self",)).first()
        if source is None:
            return
        was_due, source.next_at = source.next_at, None
        with suppress(SourceScheduleInvalid):
            source.next_at = next_reading(source.schedule, after=clock.now())
        source.save(update_fields=["next_at"])
        # Without a time it was only put on the timetable.
        if was_due is not None and source.next_at is not None and source.state != SourceState.PAUSED:
            begin_ingestion(due.organization_id, source.pk, kind=IngestionKind.SYNC, started_by="Schedule")


def _remove(due: Due) -> None:
    remove_deleted.delay(str(due.organization_id))


def _drop(due: Due) -> None:
    drop_old_index.delay(str(due.organization_id), str(due.id))


_ATTEND = {"ingestion": _take_up, "source": _sync, "old source": _remove, "old base": _remove, "old index": _drop}
