# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What goes wrong while a source is taken in: one document fails alone, the whole rests, people stop it and go on."""

from collections import Counter
from typing import Any

import pytest

from accounts.tenancy import tenant
from codexos.kernel.errors import NotAllowed, Unavailable
from llm.errors import ModelUnavailable
from rag.errors import DocumentGone
from rag.errors.ingestions import IngestionStateWrong
from rag.models import DocumentState, IndexedDocument, Ingestion, IngestionState, SourceState
from rag.operations.ingestions import (
    cancel_ingestion,
    pause_ingestion,
    resume_ingestion,
    retry_document,
    retry_ingestion,
)
from rag.workers import embedding, ingestion
from rag.workers.holding import HoldLost, claim
from tests.fakes.embeddings import Embeddings
from tests.rag.ingestion.library import Library
from tests.rag.ingestion.test_stages import KEEPER, LAMP, STORM


def test_a_document_fails_alone_with_a_reason_and_can_be_retried_alone(library: Library, provider: Embeddings) -> None:
    library.shelf.texts = {"a.md": LAMP, "bad.md": "This is poison for embedders.", "gone.md": "x", "z.md": KEEPER}
    library.shelf.troubles = {"gone.md": DocumentGone("gone.md")}
    # when
    ended = library.sync()
    # then
    assert (ended.state, ended.indexed, ended.failed) == (IngestionState.SUCCEEDED, 2, 2)
    assert set(library.live()) == {"a.md", "z.md"}
    bad, gone = library.document("bad.md"), library.document("gone.md")
    assert (bad.state, gone.state) == (DocumentState.FAILED, DocumentState.FAILED)
    assert gone.error_code == "document_gone"
    assert bad.reason
    assert not [chunk for chunk in library.rows() if chunk.since is None]
    # when
    library.shelf.texts["bad.md"] = STORM
    again = library.carry(retry_document(library.who.actor, bad))
    # then
    assert (again.indexed, again.failed) == (1, 0)
    assert set(library.live()) == {"a.md", "bad.md", "z.md"}
    assert library.document("gone.md").state == DocumentState.FAILED


def test_what_could_not_be_fetched_is_tried_again_with_the_next_reading(library: Library) -> None:
    library.shelf.texts = {"a.md": LAMP, "z.md": KEEPER}
    library.shelf.troubles = {"a.md": DocumentGone("a.md")}
    library.sync()
    library.shelf.troubles = {}
    library.sync()
    assert set(library.live()) == {"a.md", "z.md"}
    assert library.shelf.reads == ["a.md", "z.md", "a.md"]


def test_what_was_there_stays_where_the_new_content_fails(library: Library) -> None:
    library.shelf.texts = {"a.md": LAMP}
    library.sync()
    library.shelf.texts = {"a.md": "poison"}
    library.sync()
    assert library.document("a.md").state == DocumentState.FAILED
    assert library.live() == {"a.md": [LAMP.strip()]}


def test_the_whole_rests_while_the_embedder_is_away_and_loses_nothing(
    library: Library, provider: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.shelf.texts = {f"{number}.md": f"Page {number} of the log." for number in range(3)}
    away = ModelUnavailable("The provider is away.")
    monkeypatch.setattr(embedding, "_embed", _raising(away))
    started = library.begin()
    rests = library.carry(started)
    assert (rests.state, rests.rests, rests.reason) == (IngestionState.QUEUED, 1, "The provider is away.")
    assert {each.state for each in library.documents().values()} == {DocumentState.EMBEDDING}
    assert library.carry(started).rests == 1, "it is not taken up before its time"
    # when
    monkeypatch.undo()
    monkeypatch.setattr("rag.workers.work.open_reader", lambda _source: library.shelf)
    wake(library, started)
    ended = library.carry(started)
    # then
    assert (ended.state, ended.rests, ended.reason) == (IngestionState.SUCCEEDED, 0, "")
    assert len(library.shelf.reads) == 3
    assert set(Counter(text for call in provider.texts() for text in call).values()) == {1}


def test_a_source_that_is_away_rests_and_one_that_refuses_fails(library: Library) -> None:
    library.shelf.texts = {f"{number}.md": f"Page {number}." for number in range(9)}
    library.shelf.troubles = {path: Unavailable("503") for path in library.shelf.texts}
    assert library.sync().state == IngestionState.QUEUED
    library.shelf.troubles = {path: NotAllowed("The key was refused.") for path in library.shelf.texts}
    with tenant(library.organization_id):
        row = Ingestion.objects.for_organization(library.organization_id).get()
    wake(library, row)
    ended = library.carry(row)
    assert (ended.state, ended.reason) == (IngestionState.FAILED, "The key was refused.")
    assert ended.source is not None
    assert (ended.source.state, ended.source.reason) == (SourceState.FAILED, "The key was refused.")
    # when it is mended
    library.shelf.troubles = {}
    again = library.carry(retry_ingestion(library.who.actor, ended.pk))
    assert again.state == IngestionState.SUCCEEDED
    assert len(library.live()) == 9


def test_pausing_stops_the_next_write_and_resuming_goes_on(library: Library, provider: Embeddings) -> None:
    library.shelf.texts = {f"{number}.md": f"Page {number} of the log." for number in range(40)}
    started = library.begin()
    hold_up(library, started, after=20)
    paused = library.carry(started)
    assert paused.state == IngestionState.PAUSED
    some = len(library.live())
    assert 0 < some < 40
    with pytest.raises(IngestionStateWrong):
        retry_ingestion(library.who.actor, started.pk)
    # when
    library.shelf.read = type(library.shelf).read.__get__(library.shelf)  # type: ignore[method-assign]
    resume_ingestion(library.who.actor, started.pk)
    ended = library.carry(started)
    # then
    assert ended.state == IngestionState.SUCCEEDED
    assert len(library.live()) == 40
    assert max(Counter(text for call in provider.texts() for text in call).values()) == 1


def test_cancelling_keeps_what_is_done_and_the_next_one_does_the_rest(library: Library) -> None:
    library.shelf.texts = {f"{number}.md": f"Page {number} of the log." for number in range(40)}
    started = library.begin()
    hold_up(library, started, after=20, by=cancel_ingestion)
    assert library.carry(started).state == IngestionState.CANCELLED
    assert 0 < len(library.live()) < 40
    library.shelf.read = type(library.shelf).read.__get__(library.shelf)  # type: ignore[method-assign]
    ended = library.sync()
    assert ended.pk != started.pk
    assert len(library.live()) == 40


def test_two_workers_never_carry_one_ingestion(library: Library) -> None:
    library.shelf.texts = {"a.md": LAMP}
    started = library.begin()
    first = claim(library.organization_id, started.pk, attempt=0)
    assert first is not None
    # a second message, and the very same once more
    assert claim(library.organization_id, started.pk, attempt=0) is None
    assert claim(library.organization_id, started.pk, attempt=1) is None
    # the first was silent for too long, and another has it
    wake(library, started)
    second = claim(library.organization_id, started.pk, attempt=0)
    assert second is not None
    with pytest.raises(HoldLost), tenant(library.organization_id):
        first.note(parsed=1)
    with tenant(library.organization_id):
        second.note(parsed=1)
    second.let_go()
    assert claim(library.organization_id, started.pk, attempt=1) is None, "of an older slice"
    assert claim(library.organization_id, started.pk, attempt=2) is not None


def test_a_document_that_takes_its_worker_along_is_left_alone(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.shelf.texts = {"a.md": LAMP, "deadly.md": "x", "z.md": KEEPER}
    started, real = library.begin(), ingestion.cut_document

    class Killed(BaseException):
        """As if the process had ended."""

    def cut(work: Any, document: Any, place: Any) -> None:
        if document.path == "deadly.md":
            raise Killed
        real(work, document, place)

    monkeypatch.setattr(ingestion, "cut_document", cut)
    monkeypatch.setattr(ingestion, "note_unharmed", lambda *_: None)
    for _ in range(12):
        try:
            ended = library.carry(started)
            break
        except Killed:
            wake(library, started)
    assert ended.state == IngestionState.SUCCEEDED
    assert set(library.live()) == {"a.md", "z.md"}
    assert library.document("deadly.md").error_code == "document_too_hard"


def test_a_reading_that_is_wanted_meanwhile_follows(library: Library) -> None:
    library.shelf.texts = {"a.md": LAMP}
    started = library.begin()
    claim(library.organization_id, started.pk, attempt=0)
    wake(library, started)
    # when
    same = library.begin()
    ended = library.carry(same)
    # then
    assert same.pk == started.pk
    assert ended.state == IngestionState.SUCCEEDED
    assert len(library.shelf.cursors) == 2
    with tenant(library.organization_id):
        assert Ingestion.objects.for_organization(library.organization_id).count() == 2


def test_the_same_text_is_embedded_once_wherever_it_stands(library: Library, provider: Embeddings) -> None:
    library.shelf.texts = {"a.md": LAMP, "copies/b.md": LAMP}
    library.sync()
    library.shelf.texts["c.md"] = LAMP
    library.sync()
    assert provider.texts() == [[LAMP.strip()]]
    assert len(library.live()) == 3
    with tenant(library.organization_id):
        assert IndexedDocument.objects.for_organization(library.organization_id).count() == 3


def wake(library: Library, row: Ingestion) -> None:
    """Let its claim lapse, as time does."""
    with tenant(library.organization_id):
        rows = Ingestion.objects.for_organization(library.organization_id).filter(pk=row.pk)
        rows.update(claimed_until="2020-01-01T00:00:00Z")


def hold_up(library: Library, row: Ingestion, *, after: int, by: Any = pause_ingestion) -> None:
    """Do something to an ingestion while it reads the so manieth document."""
    shelf = library.shelf
    real = shelf.read

    def read(path: str, **about: Any) -> Any:
        if len(shelf.reads) == after:
            by(library.who.actor, row.pk)
        return real(path, **about)

    shelf.read = read  # type: ignore[method-assign]


def _raising(error: Exception) -> Any:
    def fail(*_: Any) -> Any:
        raise error

    return fail
