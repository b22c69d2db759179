# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""PDFs as what a run may read: real PostgreSQL, a real flow worker, the real reader of PDFs."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from agents.adapters.tools.web_search import WebSearch
from agents.engine.gate import Occasion
from agents.engine.nodes.llm import fit_documents
from agents.errors import ContextChanging
from agents.operations.runs import RunRequest, start_run
from agents.workers.loading import LoadedRun, load_runs
from codexos.kernel.chat import ContextDocument, Message
from llm.engine.prompting import citations_in, with_documents
from rag.operations import pdfs
from rag.operations.files import store_file
from tests.agents.test_runs import run_agent, working
from tests.factories import World
from tests.pdfs import encrypted_pdf, make_pdf

ASKING = {
    "id": "asking",
    "nodes": [
        {"id": "start", "type": "entry", "next": "answer"},
        {"id": "answer", "type": "llm", "model": "offline", "next": "end"},
        {"id": "end", "type": "exit"},
    ],
}
HANDBOOK = make_pdf(["Welcome to the harbour."], ["The lamp was lit in 1871", "by Ida Munk."], ["Boats leave at six."])
PAGED = ContextDocument("handbook.pdf", "Welcome.\n\nThe lamp was lit\nby Ida Munk.\n\nBoats leave.", (1, 3, 6))


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_FOLDER = tmp_path / "blobs"


def put(world: World, path: str, content: bytes) -> None:
    store_file(world.dev.actor, world.project.id, path=path, chunks=[content])


def asked(*names: str) -> dict[str, Any]:
    return {"agent_id": "a", "flow": ASKING, "input": "Who lit the lamp in 1871?", "context": list(names)}


async def test_a_run_answers_from_a_pdf_and_names_the_page(committed_world: World) -> None:
    await asyncio.to_thread(put, committed_world, "handbook.pdf", HANDBOOK)
    with working():
        answer = await run_agent(committed_world.dev, asked("handbook.pdf"))
    run = answer.json()
    assert (answer.status_code, run["status"]) == (200, "succeeded"), run
    assert 'From handbook.pdf (page 2): "The lamp was lit in 1871 by Ida Munk."' in run["result"]["output"]
    assert run["result"]["citations"] == [
        {"path": "handbook.pdf", "lines": "3-4", "quote": "The lamp was lit in 1871 by Ida Munk.", "page": 2}
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HANDBOOK[:300], "damaged"),
        (encrypted_pdf(), "password"),
        (make_pdf([]), "scan"),
    ],
)
async def test_a_pdf_that_cannot_be_read_starts_nothing(
    committed_world: World, truth: psycopg.Connection[Any], content: bytes, said: str
) -> None:
    await asyncio.to_thread(put, committed_world, "fine.pdf", HANDBOOK)
    await asyncio.to_thread(put, committed_world, "bad.pdf", content)
    answer = await run_agent(committed_world.dev, asked("fine.pdf", "bad.pdf"))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "pdf_unreadable")
    assert "'bad.pdf'" in problem["detail"]
    assert said in problem["detail"]
    assert truth.execute("select count(*) from agents_run").fetchone() == (0,)


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404), (None, 401)])
async def test_who_may_not_run_has_nothing_read(
    committed_world: World, truth: psycopg.Connection[Any], who: str | None, status: int
) -> None:
    await asyncio.to_thread(put, committed_world, "handbook.pdf", HANDBOOK)
    body = {**asked("handbook.pdf"), "project_id": str(committed_world.project.id)}
    answer = await run_agent(getattr(committed_world, who) if who else None, body)
    assert answer.status_code == status
    assert truth.execute("select count(*) from rag_pdftext").fetchone() == (0,)


def test_the_worker_makes_room_for_the_text_and_not_for_the_pdf(world: World) -> None:
    put(world, "handbook.pdf", HANDBOOK)
    put(world, "a.md", b"x" * 10)
    request = RunRequest(agent_id="a", document=ASKING, input="?", context=["handbook.pdf", "a.md"])
    run = start_run(world.dev.actor, request=request)
    loaded = load_runs({world.acme.id: [run.id]})[run.id]
    assert isinstance(loaded, LoadedRun)
    assert 10 + 80 < loaded.text_bytes < len(HANDBOOK)


def test_a_pdf_that_never_stands_still_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, "handbook.pdf", HANDBOOK)
    versions = iter(range(9))

    def overtaken(_content: Iterable[bytes], *, path: str) -> str:
        put(world, path, make_pdf([f"Version {next(versions)}."]))
        return "text"

    monkeypatch.setattr(pdfs, "read_pages", overtaken)
    with pytest.raises(ContextChanging, match=r"handbook\.pdf"):
        start_run(
            world.dev.actor, request=RunRequest(agent_id="a", document=ASKING, input="?", context=["handbook.pdf"])
        )
    assert next(versions) == 3


async def test_a_search_names_the_page() -> None:
    found: Any = await WebSearch([PAGED, replace(PAGED, name="plain.md", page_starts=())]).call(
        {"query": "lamp Munk"}, on=Occasion("k")
    )
    assert [result["url"] for result in found["results"]] == ["file:handbook.pdf#page=1", "file:plain.md#L1-L6"]
    assert "From handbook.pdf (page 1):" in found["text"]


def test_what_is_cut_keeps_its_pages() -> None:
    (kept,), notes = fit_documents([PAGED], budget=20)
    assert (kept.text, kept.page_starts, len(notes)) == (PAGED.text[:20], PAGED.page_starts, 1)


def test_models_are_shown_pages_and_their_quotes_are_found_on_them() -> None:
    (told,) = with_documents([Message("user", "Who?")], [PAGED])
    mark = told.text.split("begin with ")[1].split(",")[0]
    assert f"{mark} page 2\nThe lamp was lit\nby Ida Munk.\n" in told.text
    assert citations_in('Ida: "lit by Ida Munk", it says.', [PAGED]) == [
        {"path": "handbook.pdf", "lines": "3-4", "quote": "lit by Ida Munk", "page": 2}
    ]
