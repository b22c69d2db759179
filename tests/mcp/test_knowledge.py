# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Knowledge bases over the Model Context Protocol: who is offered which, who finds what, and what is refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from mcp.shared.exceptions import MCPError

from accounts.tenancy import tenant
from rag.models import Access
from tests.agents.live import Served, served
from tests.factories import Someone, World
from tests.mcp.speaking import BOTH, speaking
from tests.rag.searching.shelves import Shelf, make_shelf

WORDS = {"mode": "exact"}


@pytest.fixture
async def product(committed_world: World) -> AsyncIterator[Served]:
    async with served() as product:
        yield product


def fill(world: World) -> None:
    """Acme has three bases, one of them its lead's own; the stranger has one of the same name."""
    make_shelf(world.dev, world.project, slug="birds").add("docs/kea.md", "The kea steals rubber.", lines=[3, 4])
    close(make_shelf(world.lead, world.project, slug="makers")).add("plan.md", "The kea is to be sold.")
    make_shelf(world.dev, world.project, slug="empty")
    make_shelf(world.stranger, world.other_project, slug="birds").add("theirs.md", "The kea of others.")


def close(shelf: Shelf) -> Shelf:
    with tenant(shelf.organization_id):
        shelf.base.access = Access.MAKERS
        shelf.base.save(update_fields=["access"])
    return shelf


@pytest.mark.parametrize("mode", BOTH)
async def test_each_is_offered_what_they_see_and_finds_it_with_its_place(
    committed_world: World, product: Served, mode: str
) -> None:
    # given
    world = committed_world
    await asyncio.to_thread(fill, world)

    async def found(who: Someone, name: str = "knowledge__birds") -> tuple[set[str], list[str]]:
        async with speaking(product, who, mode=mode) as client:
            offered = {tool.name for tool in (await client.list_tools()).tools if tool.name.startswith("knowledge__")}
            told = await client.call_tool(name, {"query": "kea", **WORDS})
            return offered, [each["citation"]["path"] for each in told.structured_content["results"]]

    # then
    theirs = {"knowledge__birds", "knowledge__empty"}
    assert await found(world.dev) == (theirs, ["docs/kea.md"])
    assert await found(world.lead, "knowledge__makers") == ({*theirs, "knowledge__makers"}, ["plan.md"])
    assert await found(world.dev, "knowledge.empty") == (theirs, [])
    assert await found(world.stranger) == ({"knowledge__birds"}, ["theirs.md"])


async def test_a_call_names_its_base_and_passages_their_place_and_nothing_else_goes(
    committed_world: World, product: Served
) -> None:
    world = committed_world
    await asyncio.to_thread(fill, world)
    async with speaking(product, world.dev) as client:
        told = await client.call_tool("knowledge__birds", {"query": "kea", **WORDS})
        (passage,) = told.structured_content["results"]
        assert (passage["text"], passage["citation"]["lines"]) == ("The kea steals rubber.", [3, 4])
        assert "docs/kea.md" in told.content[0].text
        # when what is not theirs is called
        for name in ("knowledge__makers", "knowledge__unknown", "knowledge__"):
            with pytest.raises(MCPError, match="No tool"):
                await client.call_tool(name, {"query": "kea"})
        # when what is called does not fit
        for wrong in ({}, {"query": ""}, {"query": "kea", "top_k": 51}, {"query": "kea", "knowledge": ["makers"]}):
            assert (await client.call_tool("knowledge__birds", wrong)).is_error, wrong
        # when it holds what PostgreSQL does not take
        odd = [{"query": "kea \x00"}, {"query": "kea", "path": "\x00"}, {"query": "kea", "commit": "abcd\x00"}]
        answers = [await client.call_tool("knowledge__birds", {**WORDS, **each}) for each in odd]
    assert [answer.is_error for answer in answers] == [False, True, True]
    assert all("NUL" in answer.content[0].text for answer in answers[1:])
