# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Questions to knowledge bases in PostgreSQL: who finds what, under which filters, at which commit, and why."""

from typing import Any

import pytest

from rag.engine.passages import Filters, Found, Mode, Question
from rag.operations import searching
from rag.operations.searching import search
from tests.factories import Someone, World
from tests.rag.searching.shelves import Shelf, make_shelf, meaning


@pytest.fixture
def about(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Say what the next questions mean."""
    topics: dict[str, float] = {"nothing": 1}
    monkeypatch.setattr(searching, "embed_question", lambda *_, **__: meaning(**topics))
    return topics


@pytest.fixture
def shelf(world: World) -> Shelf:
    return make_shelf(world.dev, world.project)


def ask(who: Someone, shelf: Shelf, text: str, *others: Shelf, **more: Any) -> Found:
    return search(who.actor, [shelf.base, *(other.base for other in others)], Question(text, **more))


def paths(found: Found) -> list[str]:
    return [passage.citation.path for passage in found.passages]


def test_words_and_meaning_both_lead_there(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.add("lift.md", "How a wing in a slipstream lifts.", about={"wings": 1})
    shelf.add("slab.md", "Heat conduction in composite slabs.", about={"slabs": 1})
    shelf.add("rent.md", "What rent was paid.", about={"money": 1})
    about.update(wings=1, nothing=0)
    assert set(paths(ask(world.dev, shelf, "composite slab"))[:2]) == {"slab.md", "lift.md"}
    assert paths(ask(world.dev, shelf, "composite slab", mode=Mode.SEMANTIC))[0] == "lift.md"
    assert paths(ask(world.dev, shelf, "composite slab", mode=Mode.EXACT)) == ["slab.md"]


def test_names_are_found_by_their_parts(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.add("users.py", "def getUserName(user): return user.name", context="class Users")
    shelf.add("other.py", "def total(rows): return sum(rows)")
    assert paths(ask(world.dev, shelf, "user name", mode=Mode.EXACT)) == ["users.py"]
    assert paths(ask(world.dev, shelf, "get_user_name", mode=Mode.EXACT)) == ["users.py"]


def test_strangers_find_nothing_of_others(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.add("secret.md", "The plan of the slipstream.")
    theirs = make_shelf(world.stranger, world.other_project)
    theirs.add("own.md", "Their own slipstream.")
    assert paths(ask(world.stranger, theirs, "slipstream")) == ["own.md"]
    # Even with another's base in hand, as no front door would hand it out.
    assert paths(ask(world.stranger, theirs, "slipstream", shelf)) == ["own.md"]
    assert paths(ask(world.stranger, shelf, "slipstream")) == []


def test_filters_leave_what_they_say(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.add("src/a.py", "wing", language="python", tags=["air", "new"])
    shelf.add("src/b/c.go", "wing", language="go", tags=["air"])
    shelf.add("notes.md", "wing", source_type="web")
    for filters, left in [
        (Filters(language=("python", "rust")), {"src/a.py"}),
        (Filters(tags=("air",)), {"src/a.py", "src/b/c.go"}),
        (Filters(tags=("air", "new")), {"src/a.py"}),
        (Filters(path="src/**"), {"src/a.py", "src/b/c.go"}),
        (Filters(source_type=("web",)), {"notes.md"}),
        (Filters(path="*.go", tags=("new",)), set()),
    ]:
        assert set(paths(ask(world.dev, shelf, "wing", filters=filters))) == left, filters


def test_what_stood_at_a_commit(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.revise(1, "aaaa1111")
    shelf.revise(2, "bbbb2222")
    shelf.add("a.py", "old wing", since=1, until=2)
    shelf.add("a.py", "new wing", since=2)
    shelf.add("b.py", "staged wing", since=None)
    now = ask(world.dev, shelf, "wing")
    assert [passage.text for passage in now.passages] == ["new wing"]
    then = ask(world.dev, shelf, "wing", filters=Filters(commit="AAAA"))
    assert [(passage.text, passage.citation.commit) for passage in then.passages] == [("old wing", "aaaa1111")]
    never = ask(world.dev, shelf, "wing", filters=Filters(commit="cccc"))
    assert never.passages == ()
    assert "cccc" in never.notes[0]


def test_it_is_told_how_each_was_found(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.add("a.md", "A wing.", about={"wings": 1})
    shelf.add("b.md", "No word of it.", about={"wings": 0.5, "money": 1})
    about.update(wings=1, nothing=0)
    first, second = ask(world.dev, shelf, "wing", explain=True).passages
    assert (first.legs["lexical"].rank, first.legs["vector"].rank) == (1, 1)
    assert first.legs["vector"].score == pytest.approx(1, abs=0.01)
    assert set(second.legs) == {"vector"}
    assert second.legs["vector"].rank == 2
    assert not ask(world.dev, shelf, "wing").passages[0].legs


def test_neighbors_are_shown_around_it(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    for number, text in enumerate(["one", "two wing", "three", "four"]):
        shelf.add("a.md", text, lines=[number * 10 + 1, number * 10 + 10])
    found = ask(world.dev, shelf, "wing", neighbors=1, mode=Mode.EXACT)
    assert found.passages[0].text == "one\ntwo wing\nthree"
    assert found.passages[0].citation.lines == (1, 30)
    assert len(found.passages) == 1


def test_several_bases_are_searched_as_one(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    other = make_shelf(world.dev, world.project, slug="more")
    shelf.add("a.md", "A wing and a prayer and much else that is said of it.")
    other.add("b.md", "A wing.")
    assert set(paths(ask(world.dev, shelf, "wing", other))) == {"a.md", "b.md"}


def test_an_empty_base_answers_nothing(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    assert ask(world.dev, shelf, "wing").passages == ()
    assert ask(world.dev, shelf, "?!").passages == ()


def test_without_a_reranker_it_is_said_so(world: World, shelf: Shelf, about: dict[str, float]) -> None:
    shelf.add("a.md", "A wing.")
    found = ask(world.dev, shelf, "wing", rerank=True)
    assert paths(found) == ["a.md"]
    assert "No reranker" in found.notes[0]
