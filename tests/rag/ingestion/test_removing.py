# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What is deleted leaves nothing: no rows, no chunks, no bytes that anybody holds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from accounts.tenancy import OrganizationModel, tenant
from codexos.kernel import clock
from rag.adapters.sources.chosen import folder_of
from rag.engine.ports import Entry
from rag.errors.knowledge import SourceNotFound
from rag.models import BlobHold, KnowledgeBase, Source
from rag.operations.attending import attend_knowledge
from rag.tasks import remove_deleted
from rag.workers.ingestion import carry
from rag.workers.removing import drop_base, drop_source
from tests.rag.ingestion.library import Library
from tests.rag.ingestion.test_stages import KEEPER, LAMP


def rows_of(library: Library) -> dict[str, int]:
    """Count the rows of rag that the organization has, but for the bytes, which are swept in their time."""
    with tenant(library.organization_id):
        counts = {
            model.__name__: model.objects.for_organization(library.organization_id).count()
            for model in apps.get_app_config("rag").get_models()
            if issubclass(model, OrganizationModel)
        }
    counts.pop("Blob")
    return {name: count for name, count in counts.items() if count}


def test_a_deleted_base_leaves_nothing(library: Library) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "code.py": "def light() -> None:\n    turn()\n"}
    library.sync()
    with tenant(library.organization_id):
        rows = KnowledgeBase.objects.for_organization(library.organization_id).filter(pk=library.base.pk)
        assert BlobHold.objects.for_organization(library.organization_id).count() == 2
        assert not drop_base(library.organization_id, library.base.pk), "nobody deleted it"
        rows.update(deleted_at=clock.now())
    # when
    remove_deleted(str(library.organization_id))
    # then
    assert rows_of(library) == {}


def test_a_deleted_source_takes_only_its_own_along(library: Library) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()
    with tenant(library.organization_id):
        Source.objects.for_organization(library.organization_id).update(deleted_at=clock.now())
    assert drop_source(library.organization_id, library.source.pk)
    assert set(rows_of(library)) == {"KnowledgeBase", "KnowledgeIndex"}
    assert not drop_source(library.organization_id, library.source.pk)


def test_an_ingestion_of_what_is_deleted_stops(library: Library) -> None:
    library.shelf.texts = {"lamp.md": LAMP}
    started = library.begin()
    with tenant(library.organization_id):
        Source.objects.for_organization(library.organization_id).update(deleted_at=clock.now())
    library.carry(started)
    assert library.live() == {}


def test_a_source_that_goes_while_it_is_read_leaves_nothing(library: Library, tmp_path: Path, settings: Any) -> None:
    settings.CODEXOS_HOME = tmp_path
    fetched = folder_of(library.source)

    def shown() -> Iterator[Entry]:
        yield Entry("lamp.md", mark="1")
        with tenant(library.organization_id):
            Source.objects.for_organization(library.organization_id).update(deleted_at=clock.now())
        assert drop_source(library.organization_id, library.source.pk)
        # What a host sends meanwhile is written down.
        fetched.mkdir(parents=True)
        yield Entry("keeper.md", mark="1")

    library.shelf.texts, library.shelf.shown = {"lamp.md": LAMP}, shown
    started = library.begin()
    assert carry(library.organization_id, started.pk, attempt=0) is None
    assert set(rows_of(library)) == {"KnowledgeBase", "KnowledgeIndex"}
    assert not fetched.exists()
    with pytest.raises(SourceNotFound):
        library.begin()


def test_the_clock_takes_up_what_nobody_carries_and_what_was_left_of_deleting(committed_world: object) -> None:
    from tests.factories import World
    from tests.rag.ingestion.library import Shelf, make_library

    assert isinstance(committed_world, World)
    library = make_library(committed_world.dev, committed_world.project, Shelf())
    assert attend_knowledge() == 0
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with tenant(library.organization_id):
        started = library.begin()
        rows = Source.objects.for_organization(library.organization_id).filter(pk=library.source.pk)
        type(started).objects.for_organization(library.organization_id).update(updated_at=long_ago)
        KnowledgeBase.objects.for_organization(library.organization_id).update(deleted_at=long_ago)
        rows.update(schedule="0 * * * *")
    assert attend_knowledge() == 3
    with tenant(library.organization_id):
        assert rows.get().next_at is not None
    assert attend_knowledge() == 2, "it is on the timetable now"
