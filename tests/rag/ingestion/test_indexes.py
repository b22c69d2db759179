# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Another model or another way of cutting: built beside what is in use, and nobody who asks notices."""

from collections import Counter

import pytest

from accounts.tenancy import tenant
from codexos.kernel.errors import InvalidInput
from rag.models import DocumentState, IndexState, Ingestion, IngestionState, KnowledgeBase, KnowledgeIndex
from rag.operations.index_switches import switch_index
from rag.operations.ingestions import cancel_ingestion, rebuild_index
from rag.workers import ingestion
from rag.workers.removing import drop_index
from tests.fakes.embeddings import Embeddings
from tests.rag.ingestion.library import Library
from tests.rag.ingestion.test_stages import KEEPER, LAMP, STORM

OTHER = "text-embedding-3-large"
LONG = "\n\n".join(f"On day {day} the lamp was lit at six and put out at seven." for day in range(60))


@pytest.fixture
def filled(library: Library, provider: Embeddings) -> Library:
    provider.models = (*provider.models, OTHER)
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER, "log.md": LONG}
    library.sync()
    return library


def configure(library: Library, settings: dict[str, object]) -> None:
    with tenant(library.organization_id):
        rows = KnowledgeBase.objects.for_organization(library.organization_id).filter(pk=library.base.pk)
        rows.update(settings=settings)


def test_another_model_is_built_beside_the_one_in_use_and_switched_to(filled: Library, provider: Embeddings) -> None:
    before, live = filled.index(), filled.live()
    configure(filled, {"embedding": {"model": OTHER}})
    # when
    started = rebuild_index(filled.who.actor, filled.base)
    # then what is in use answers
    assert (filled.index().pk, filled.live()) == (before.pk, live)
    # when
    ended = filled.carry(started)
    # then
    after = filled.index()
    assert ended.state == IngestionState.SUCCEEDED, ended.reason
    assert (after.model, after.number, after.state) == (OTHER, 2, IndexState.ACTIVE)
    assert OTHER in after.identity
    assert filled.live() == live
    assert after.chunk_count == before.chunk_count
    assert len(filled.shelf.reads) == 3, "the source is not asked again"
    # and the old one goes with all it had
    drop_index(filled.organization_id, before.pk)
    assert {chunk.index_id for chunk in filled.rows()} == {after.pk}
    with tenant(filled.organization_id):
        assert KnowledgeIndex.objects.for_organization(filled.organization_id).count() == 1


def test_another_way_of_cutting_embeds_only_what_reads_otherwise(filled: Library, provider: Embeddings) -> None:
    configure(filled, {"embedding": {"model": "text-embedding-3-small"}, "chunking": {"window": 60, "overlap": 0}})
    filled.carry(rebuild_index(filled.who.actor, filled.base))
    assert len(filled.live()["log.md"]) > 3
    assert max(Counter(text for call in provider.texts() for text in call).values()) == 1


def test_what_changes_while_an_index_is_built_is_in_it(filled: Library) -> None:
    configure(filled, {"embedding": {"model": OTHER}})
    started = rebuild_index(filled.who.actor, filled.base)
    filled.shelf.texts |= {"lamp.md": STORM, "new.md": "A new page."}
    filled.sync()
    # when
    filled.carry(started)
    # then
    assert filled.index().number == 2
    assert filled.live()["lamp.md"] == [STORM.strip()]
    assert filled.live()["new.md"] == ["A new page."]


def test_a_reading_that_is_under_way_when_the_base_is_switched_goes_on_in_the_other_index(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(filled, {"embedding": {"model": OTHER}})
    other = rebuild_index(filled.who.actor, filled.base)
    filled.shelf.texts["lamp.md"] = STORM
    real = ingestion.embed_documents

    def embed(*args: object, **options: object) -> object:
        monkeypatch.setattr(ingestion, "embed_documents", real)
        filled.carry(other)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ingestion, "embed_documents", embed)
    # when
    ended = filled.sync()
    # then
    assert ended.state == IngestionState.SUCCEEDED
    assert filled.index().number == 2
    assert filled.live()["lamp.md"] == [STORM.strip()]
    assert all(len(chunk.embedding) == 8 for chunk in filled.rows())


def test_a_document_that_fails_in_the_other_index_says_so_after_the_switch(
    filled: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ingestion.cut_document

    def cut(work: object, document: object, place: object) -> None:
        if getattr(document, "path", "") == "log.md":
            raise InvalidInput("It cannot be cut so.")
        real(work, document, place)  # type: ignore[arg-type]

    monkeypatch.setattr(ingestion, "cut_document", cut)
    ended = filled.carry(rebuild_index(filled.who.actor, filled.base))
    assert (ended.state, ended.failed, ended.indexed) == (IngestionState.SUCCEEDED, 1, 2)
    assert set(filled.live()) == {"lamp.md", "keeper.md"}
    row = filled.document("log.md")
    assert (row.state, row.reason) == (DocumentState.FAILED, "It cannot be cut so.")


def test_an_index_may_wait_for_a_person(filled: Library) -> None:
    first = filled.index()
    started = rebuild_index(filled.who.actor, filled.base)
    cancel_ingestion(filled.who.actor, started.pk)
    # a cancelled one goes
    with tenant(filled.organization_id):
        rows = KnowledgeIndex.objects.for_organization(filled.organization_id)
        assert rows.get(number=2).state == IndexState.RETIRED
        ready = KnowledgeIndex.objects.create(
            organization_id=filled.organization_id, base=filled.base, number=3, model="x", state=IndexState.READY
        )
    # when
    switch_index(filled.who.actor, filled.base.pk, 3)
    # then
    assert filled.index().pk == ready.pk
    with tenant(filled.organization_id):
        assert rows.get(pk=first.pk).state == IndexState.RETIRED


def test_a_second_rebuild_takes_the_place_of_the_first(filled: Library) -> None:
    first = rebuild_index(filled.who.actor, filled.base)
    second = rebuild_index(filled.who.actor, filled.base)
    assert filled.fresh(first).state == IngestionState.CANCELLED
    assert filled.carry(second).state == IngestionState.SUCCEEDED
    assert filled.index().number == 3
    with tenant(filled.organization_id):
        rows = Ingestion.objects.for_organization(filled.organization_id)
        assert not rows.filter(state__in=["queued", "running"]).exists()
