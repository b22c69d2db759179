# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs that ask a real knowledge base: what is quoted is cited by its chunk, and what is not quoted is not cited."""

import asyncio
from typing import Any

from accounts.tenancy import tenant
from rag.models import Access, Chunk
from tests.agents.engine.stage import chain
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.rag.searching.shelves import make_shelf

LAMP = "# The lamp\n\nThe lamp of the harbor was lit in 1871 by Ida Munk."
FIND = {"id": "find", "type": "rag", "mode": "exact", "top_k": 3}
ANSWER = {"id": "answer", "type": "llm", "model": "offline"}
WHO = "Who lit the lamp in 1871?"


def fill(world: World) -> Chunk:
    """Acme's project knows of the lamp; a lead keeps a base to herself, and strangers have one of their own."""
    chunk = make_shelf(world.dev, world.project, slug="harbor").add("docs/lamp.md", LAMP, lines=[10, 12])
    own = make_shelf(world.lead, world.project, slug="makers")
    with tenant(world.acme.id):
        own.base.access = Access.MAKERS
        own.base.save(update_fields=["access"])
    own.add("secret.md", "The lamp was lit in 1871 by nobody, it is said in secret.")
    make_shelf(world.stranger, world.other_project, slug="harbor").add("theirs.md", "Who lit the lamp in 1871? We.")
    return chunk


async def run(world: World, *nodes: dict[str, Any], question: str = WHO) -> dict[str, Any]:
    with working():
        answered = await run_agent(world.dev, {"agent_id": "a", "flow": dict(chain(*nodes)), "input": question})
    found: dict[str, Any] = answered.json()
    return found


async def test_what_is_quoted_is_cited_by_its_chunk(committed_world: World) -> None:
    # given
    world = committed_world
    chunk = await asyncio.to_thread(fill, world)
    # when
    found = await run(world, FIND, ANSWER)
    # then
    assert found["status"] == "succeeded", found
    (cited,) = found["result"]["citations"]
    assert (cited["path"], cited["chunk_id"], cited["sha256"]) == ("docs/lamp.md", str(chunk.pk), chunk.sha256)
    assert cited["document_id"] == str(chunk.document_id)
    assert (cited["quote"] in LAMP, cited["lines"]) == (True, "12")
    assert "secret" not in str(found)
    assert "We." not in str(found)


async def test_what_is_not_quoted_is_not_cited(committed_world: World) -> None:
    world = committed_world
    await asyncio.to_thread(fill, world)
    elsewhere = {**ANSWER, "prompt": "Say hello."}
    found = await run(world, FIND, elsewhere)
    assert (found["status"], found["result"]["citations"]) == ("succeeded", []), found


async def test_a_base_that_is_not_theirs_to_see_is_none(committed_world: World) -> None:
    world = committed_world
    await asyncio.to_thread(fill, world)
    found = await run(world, {**FIND, "knowledge": "makers"}, ANSWER)
    assert (found["status"], found["error"]["code"]) == ("failed", "knowledge_base_not_found"), found
