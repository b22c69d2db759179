# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The files of a project as knowledge: what is stored is found, what is deleted is not; and sources by a schedule."""

from datetime import UTC, datetime

import pytest

from accounts.tenancy import tenant
from accounts.workers.outbox import deliver
from rag.models import Ingestion, IngestionState, Source, SourceKind, SourceState
from rag.operations.attending import _sync
from rag.operations.files import delete_file
from rag.queries.lookups import Due
from tests.factories import World
from tests.fakes.embeddings import Embeddings
from tests.rag.conftest import put
from tests.rag.ingestion.library import Library, Shelf, make_library


@pytest.fixture
def files(world: World, provider: Embeddings) -> Library:
    """A library of the project's files, read by what reads them."""
    return make_library(world.dev, world.project, Shelf(), kind=SourceKind.FILES)


def open_ingestions(library: Library) -> list[Ingestion]:
    with tenant(library.organization_id):
        rows = Ingestion.objects.for_organization(library.organization_id).filter(state=IngestionState.QUEUED)
        return list(rows)


def test_what_is_stored_is_found_and_what_is_deleted_is_not(world: World, files: Library) -> None:
    put(world.dev, world, "lamp.md", b"The lamp is lit at six.")
    put(world.dev, world, "keeper.md", b"The keeper sleeps by day.")
    # when the news has come
    deliver(world.acme.id)
    (started,) = open_ingestions(files)
    files.carry(started)
    # then
    assert set(files.live()) == {"lamp.md", "keeper.md"}
    # when changed, and deleted
    put(world.dev, world, "lamp.md", b"The lamp is out.")
    delete_file(world.dev.actor, world.project.id, path="keeper.md")
    deliver(world.acme.id)
    (started,) = open_ingestions(files)
    ended = files.carry(started)
    # then at once: the list is the truth itself
    assert files.live() == {"lamp.md": ["The lamp is out."]}
    assert ended.removed == 1
    # and where the last one goes, nothing is suspected either
    delete_file(world.dev.actor, world.project.id, path="lamp.md")
    files.carry(open_ingestions(files)[0])
    assert files.live() == {}


def test_files_of_other_projects_and_of_paused_sources_bring_nothing(world: World, files: Library) -> None:
    put(world.dev, world, "lamp.md", b"The lamp is lit at six.")
    with tenant(world.acme.id):
        Source.objects.for_organization(world.acme.id).update(state=SourceState.PAUSED)
    deliver(world.acme.id)
    assert open_ingestions(files) == []
    deliver(world.other.id)
    assert open_ingestions(files) == []


def test_a_source_is_read_when_its_schedule_says_so(files: Library) -> None:
    due = Due("source", files.organization_id, files.source.pk)
    with tenant(files.organization_id):
        rows = Source.objects.for_organization(files.organization_id).filter(pk=files.source.pk)
        rows.update(schedule="0 3 * * *")
    # put on the timetable
    _sync(due)
    assert open_ingestions(files) == []
    with tenant(files.organization_id):
        assert rows.get().next_at is not None
        rows.update(next_at=datetime(2026, 1, 1, 3, tzinfo=UTC))
    # due
    _sync(due)
    (started,) = open_ingestions(files)
    assert started.started_by == "Schedule"
    # one that cannot be read any more is due no more
    with tenant(files.organization_id):
        rows.update(schedule="nonsense", next_at=datetime(2026, 1, 1, 3, tzinfo=UTC))
    _sync(due)
    with tenant(files.organization_id):
        assert rows.get().next_at is None
