# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Large indexes get a graph and a list of their own, are found by them, and let go of them when they shrink."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings

from accounts.tenancy import tenant
from rag.adapters import index
from rag.engine import strategies
from rag.engine.passages import Filters, Found, Mode, Question
from rag.models import Chunk, KnowledgeIndex, TermCount
from rag.operations import searching
from rag.operations.searching import search
from rag.operations.upkeep import maintain_knowledge
from tests.factories import World
from tests.rag.searching.shelves import TOPICS, Shelf, make_shelf, meaning

CHUNKS = 40


@pytest.fixture
def world(committed_world: World) -> World:
    """Committed, for indexes are built beside everybody else's transactions."""
    return committed_world


@pytest.fixture
def owner(committed: None) -> Iterator[psycopg.Connection[Any]]:
    """The owner's connection."""
    address = os.environ["DATABASE_OWNER_URL"]
    known = address.partition("?")[0].rpartition("/")[2]
    address = address.replace(f"/{known}", f"/{settings.DATABASES['default']['NAME']}")
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection
        for name in _built(connection):
            connection.execute(f"drop index {name}")


@pytest.fixture
def large(world: World, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A base that counts as large."""
    monkeypatch.setattr(strategies, "LARGE_FROM", CHUNKS)
    monkeypatch.setattr(strategies, "SMALL_BELOW", CHUNKS // 2)
    monkeypatch.setattr(searching, "embed_question", lambda *_, **__: meaning(wings=1))
    shelf = make_shelf(world.dev, world.project)
    with tenant(world.acme.id):
        for number in range(CHUNKS):
            about = {TOPICS[number % 4]: 1.0, "nothing": number / CHUNKS}
            text, tags = f"Common words of number{number}.", ["odd"] * (number % 2)
            shelf.add(f"docs/{number}.md", text, about=about, tags=tags)
    return shelf


def _built(connection: psycopg.Connection[Any]) -> set[str]:
    rows = connection.execute("select relname from pg_class where relname ~ '^rag_(near|words)_[0-9a-f]{32}$'")
    return {row[0] for row in rows.fetchall()}


def _ask(world: World, shelf: Shelf, text: str, **more: Any) -> Found:
    return search(world.dev.actor, [shelf.base], Question(text, explain=True, **more))


def _told(found: Found) -> list[tuple[Any, ...]]:
    legs = ("lexical", "vector")
    return [
        (each.citation.path, *(round(each.legs[leg].score, 3) for leg in legs if leg in each.legs))
        for each in found.passages
    ]


def test_it_is_found_alike_before_and_after(world: World, large: Shelf, owner: psycopg.Connection[Any]) -> None:
    questions = [("number7 words", {}), ("wing", {"mode": Mode.SEMANTIC}), ("number8", {"mode": Mode.EXACT})]
    before = [_told(_ask(world, large, text, **more)) for text, more in questions]
    assert len(list(maintain_knowledge(owner, is_dry=True))) == 3
    assert not _built(owner)
    assert len(list(maintain_knowledge(owner))) == 3
    assert list(maintain_knowledge(owner)) == []
    assert _built(owner) == set(strategies.index_names(str(large.index.pk)))
    with tenant(world.acme.id):
        assert KnowledgeIndex.objects.for_organization(world.acme.id).get().strategy == "hnsw"
        counts = dict(TermCount.objects.for_organization(world.acme.id).values_list("term", "chunks"))
    assert counts["word"] == CHUNKS
    assert "number7" not in counts
    after = [_told(_ask(world, large, text, **more)) for text, more in questions]
    assert [told[:3] for told in after] == [told[:3] for told in before]


def test_filters_and_the_past_are_answered_in_large_ones_too(
    world: World, large: Shelf, owner: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    list(maintain_knowledge(owner))
    for most in (index.EXACT_WITHIN, 0):
        monkeypatch.setattr(index, "EXACT_WITHIN", most)
        found = _ask(world, large, "common words", filters=Filters(tags=("odd",)), top_k=CHUNKS)
        assert {int(path.removesuffix(".md")[5:]) % 2 for path, *_ in _told(found)} == {1}
        assert len(found.passages) == CHUNKS // 2
    large.revise(1, "abcdef")
    then = _ask(world, large, "number7", filters=Filters(commit="abcd"), mode=Mode.EXACT)
    assert then.passages[0].citation.path == "docs/7.md"


def test_strangers_find_nothing_in_anothers_list(world: World, large: Shelf, owner: psycopg.Connection[Any]) -> None:
    list(maintain_knowledge(owner))
    theirs = search(world.stranger.actor, [large.base], Question("number7 words"))
    assert theirs.passages == ()
    scope = index.Scope(world.other.id, [large.index.pk])
    with tenant(world.other.id):
        pool = index.find_in_large(scope, terms=["number7"], vector=index.vector_text(meaning(wings=1)), dimensions=5)
        assert (
            index._ask(
                "select * from app.chunks_with(%s, %s, %s::text[], %s::real[], null, 9)",
                [large.index.pk, "'number7'", ["number7"], [1.0]],
            )
            == []
        )
    assert pool.ids == frozenset()


def test_what_shrinks_or_goes_lets_go_of_them(world: World, large: Shelf, owner: psycopg.Connection[Any]) -> None:
    list(maintain_knowledge(owner))
    with tenant(world.acme.id):
        ids = list(Chunk.objects.for_organization(world.acme.id).values_list("pk", flat=True)[: CHUNKS - 5])
        Chunk.objects.for_organization(world.acme.id).filter(pk__in=ids).delete()
    said = list(maintain_knowledge(owner))
    assert "exactly from now on" in said[0]
    assert not _built(owner)
    with tenant(world.acme.id):
        assert KnowledgeIndex.objects.for_organization(world.acme.id).get().strategy == "exact"
        assert not TermCount.objects.for_organization(world.acme.id).exists()
    assert _ask(world, large, "number39", mode=Mode.EXACT).passages


def test_a_build_that_was_killed_is_begun_anew(world: World, large: Shelf, owner: psycopg.Connection[Any]) -> None:
    _, words = strategies.index_names(str(large.index.pk))
    owner.execute(f"create index {words} on rag_chunk (ordinal)")
    owner.execute("create index rag_near_00000000000000000000000000000000 on rag_chunk (ordinal)")
    assert "dropped rag_near_00000000000000000000000000000000" in list(maintain_knowledge(owner))
    assert len(_built(owner)) == 2
