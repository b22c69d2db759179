# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a source does not show any more: nothing is lost to a disk that was not mounted, and nothing stays for ever."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import Unavailable
from rag.engine.ports import Entry
from rag.models import DocumentState, IngestionState, Source
from tests.rag.ingestion.library import Library
from tests.rag.ingestion.test_stages import KEEPER, LAMP, STORM

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **span: int) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(clock, "now", moved)
    return moved


def test_a_document_goes_when_it_is_missing_a_second_time(library: Library, time: Clock) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()
    del library.shelf.texts["lamp.md"]
    # once
    assert library.sync().removed == 0
    assert set(library.live()) == {"lamp.md", "keeper.md"}
    assert library.document("lamp.md").missing_since is not None
    # at once again: the same trouble would be seen
    assert library.sync().removed == 0
    # later
    time.pass_by(minutes=2)
    ended = library.sync()
    assert ended.removed == 1
    assert set(library.live()) == {"keeper.md"}
    # and nothing of it is left
    assert set(library.documents()) == {"keeper.md"}
    assert {chunk.text for chunk in library.rows()} == {KEEPER.strip()}


def test_a_document_that_comes_back_was_never_gone(library: Library, time: Clock) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()
    del library.shelf.texts["lamp.md"]
    library.sync()
    library.shelf.texts["lamp.md"] = LAMP
    library.sync()
    assert library.document("lamp.md").missing_since is None
    # missing anew, it is counted anew
    del library.shelf.texts["lamp.md"]
    time.pass_by(minutes=2)
    library.sync()
    assert set(library.live()) == {"lamp.md", "keeper.md"}


def test_a_source_that_suddenly_shows_nothing_loses_nothing(library: Library, time: Clock) -> None:
    library.shelf.texts = {f"{number}.md": f"Page {number}." for number in range(20)}
    library.sync()
    kept, library.shelf.texts = library.shelf.texts, {}
    # however often it is looked at
    for _ in range(3):
        time.pass_by(minutes=5)
        ended = library.sync()
        assert (ended.state, ended.removed) == (IngestionState.SUCCEEDED, 0)
        assert "nothing was taken as gone" in ended.reason
    # nor where it shows next to nothing
    library.shelf.texts = {"0.md": kept["0.md"]}
    for _ in range(3):
        time.pass_by(minutes=5)
        assert library.sync().removed == 0
    assert len(library.live()) == 20
    # until a person says that it is so
    assert library.sync(confirmed=True).removed == 19
    assert set(library.live()) == {"0.md"}


def test_a_list_that_breaks_off_says_nothing_of_what_it_did_not_reach(library: Library) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()

    def broken() -> Any:
        yield Entry("lamp.md", mark="new")
        raise Unavailable("The line went dead.")

    library.shelf.shown = broken
    ended = library.sync()
    assert (ended.state, ended.rests, ended.reason) == (IngestionState.QUEUED, 1, "The line went dead.")
    assert library.document("keeper.md").missing_since is None
    assert len(library.live()) == 2


def test_what_the_source_says_was_removed_is_gone_at_once_and_stays_at_its_older_revision(library: Library) -> None:
    with tenant(library.organization_id):
        Source.objects.for_organization(library.organization_id).update(kind="git")
    library.shelf.texts, library.shelf.commit, library.shelf.is_whole = {"lamp.md": LAMP, "b.md": KEEPER}, "aaa", False
    library.sync()
    # when
    library.shelf.commit, library.shelf.removed, library.shelf.texts = "bbb", ["lamp.md"], {"b.md": STORM}
    ended = library.sync()
    # then
    assert ended.removed == 1
    assert library.live() == {"b.md": [STORM.strip()]}
    assert library.live(at=1) == {"lamp.md": [LAMP.strip()], "b.md": [KEEPER.strip()]}
    assert library.document("lamp.md").state == DocumentState.REMOVED
    # and back again
    library.shelf.commit, library.shelf.removed, library.shelf.texts = "ccc", [], {"lamp.md": LAMP}
    library.sync()
    assert library.live() == {"lamp.md": [LAMP.strip()], "b.md": [STORM.strip()]}
    assert library.live(at=2) == {"b.md": [STORM.strip()]}


def test_a_renamed_document_stays_the_one_it_was(library: Library, provider: Any) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "keeper.md": KEEPER}
    library.sync()
    before, asked = library.document("lamp.md").pk, len(provider.asked)
    # when
    library.shelf.texts = {"light/lamp.md": LAMP, "keeper.md": KEEPER}
    library.shelf.moved = {"light/lamp.md": "lamp.md"}
    ended = library.sync()
    # then
    assert library.document("light/lamp.md").pk == before
    assert set(library.live()) == {"light/lamp.md", "keeper.md"}
    assert (ended.removed, len(provider.asked)) == (0, asked)


def test_what_a_source_will_not_give_says_why_and_is_not_found(library: Library) -> None:
    library.shelf.texts = {"lamp.md": LAMP, "big.bin": STORM}
    library.sync()
    del library.shelf.texts["big.bin"]
    library.shelf.skipped = {"big.bin": "it lies in LFS"}
    library.sync()
    row = library.document("big.bin")
    assert (row.state, row.error_code) == (DocumentState.FAILED, "document_skipped")
    assert "it lies in LFS" in row.reason
    assert set(library.live()) == {"lamp.md"}
