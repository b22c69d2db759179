# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""From a file to an answer and to nothing: brought, read, asked, cited, changed, deleted."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from accounts.tenancy import tenant
from llm.operations.catalogs import catalogs
from rag.adapters.parsing.crew import close_all
from rag.models import BlobHold, Ingestion, Source
from rag.operations.uploads import Sent, upload_documents
from rag.workers.ingestion import Next, carry
from rag.workers.removing import drop_deleted
from tests.factories import World
from tests.fakes.embeddings import KEY, Embeddings, serve_embeddings

Api = Callable[..., Any]
KEA = b"# Kea\n\nThe kea lives in the mountains.\n\nIt steals rubber from cars.\n"
KAKAPO = b"# Kakapo\n\nThe kakapo cannot fly.\n"
OF_KNOWLEDGE = ("rag_chunk", "rag_document", "rag_source", "rag_ingestion", "rag_knowledgeindex", "rag_knowledgebase")


@pytest.fixture
def provider(settings: Any) -> Iterator[Embeddings]:
    """OpenAI, as far as this installation knows."""
    with serve_embeddings() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


@pytest.fixture(autouse=True)
def birds(world: World, api: Api, provider: Embeddings) -> Iterator[None]:
    """A knowledge base whose embedder is that provider."""
    assert provider.url
    catalogs.forget(world.acme.id)
    said = {"name": "Birds", "embedding": {"model": "text-embedding-3-small"}}
    assert api(world.dev).post("/api/v1/knowledge-bases/", said, format="json").status_code == 201
    yield
    close_all()


def bring(world: World, **files: bytes) -> None:
    """Upload files and let workers read them to the end."""
    sent = [Sent(f"docs/{name}.md", [content]) for name, content in files.items()]
    upload = upload_documents(world.dev.actor, "birds", sent)
    assert upload.ingestion is not None
    finish(world, upload.ingestion.pk)


def finish(world: World, ingestion_id: UUID) -> None:
    with tenant(world.acme.id):
        attempt = Ingestion.objects.for_organization(world.acme.id).get(pk=ingestion_id).attempt
    following: Next | None = Next(ingestion_id, attempt)
    while following is not None:
        following = carry(world.acme.id, following.ingestion_id, attempt=following.attempt)


def ask(world: World, api: Api, question: str, **said: Any) -> list[dict[str, Any]]:
    answer = api(world.viewer).post("/rag/query", {"query": question, "project_id": "main", **said}, format="json")
    assert answer.status_code == 200, answer.json()
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def left(world: World) -> dict[str, int]:
    """Count the rows of Acme's knowledge."""
    with tenant(world.acme.id), connection.cursor() as cursor:
        counts = {}
        for table in OF_KNOWLEDGE:
            cursor.execute(f"select count(*) from {table}")  # noqa: S608 - of a list above
            counts[table] = cursor.fetchone()[0]
        return counts


def test_what_is_brought_is_found_where_it_stands_until_it_is_deleted(world: World, api: Api) -> None:
    bring(world, kea=KEA, kakapo=KAKAPO)
    (documents, ingestions) = (
        api(world.viewer).get(f"/api/v1/{name}/", {"knowledge_base_id": "birds"}).json()["results"]
        for name in ("documents", "ingestions")
    )
    assert {each["path"]: each["state"] for each in documents} == {"docs/kakapo.md": "ready", "docs/kea.md": "ready"}
    assert [each["state"] for each in ingestions] == ["succeeded"]
    figures = api(world.viewer).get("/api/v1/knowledge-bases/birds/").json()["figures"]
    assert (figures["ready"], figures["waiting"], figures["failed"]) == (2, 0, 0)

    best = ask(world, api, "What steals rubber?", explain=True)[0]
    assert best["citation"]["path"] == "docs/kea.md"
    first, last = best["citation"]["lines"]
    cited = "\n".join(KEA.decode().split("\n")[first - 1 : last])
    assert "steals rubber" in best["text"]
    assert "steals rubber" in cited
    assert best["legs"]["lexical"]["rank"] == 1
    kea = next(each for each in documents if each["path"] == "docs/kea.md")
    chunks = api(world.viewer).get(f"/api/v1/documents/{kea['id']}/chunks/").json()["results"]
    assert best["document_id"] == kea["id"]
    assert best["citation"]["sha256"] in {chunk["sha256"] for chunk in chunks if chunk["id"] == best["chunk_id"]}

    # Another content takes the place of the first, and its tag is filtered by.
    bring(world, kea=KEA.replace(b"rubber", b"sandwiches"))
    assert "rubber" not in " ".join(each["text"] for each in ask(world, api, "What steals rubber?"))
    api(world.dev).patch(f"/api/v1/documents/{kea['id']}/", {"tags": ["parrot"]}, format="json")
    tagged = ask(world, api, "bird", filters={"tags": ["parrot"]})
    assert {each["citation"]["path"] for each in tagged} == {"docs/kea.md"}

    # Whom the base is not open to finds nothing, whatever they know of it.
    answer = api(world.stranger).post("/rag/query", {"query": "kea", "project_id": "main"}, format="json")
    assert answer.json()["results"] == []

    api(world.dev).delete(f"/api/v1/documents/{kea['id']}/")
    assert {each["citation"]["path"] for each in ask(world, api, "kea sandwiches")} <= {"docs/kakapo.md"}


@pytest.mark.parametrize("what", ["source", "base"])
def test_what_is_deleted_is_found_by_nobody_and_leaves_nothing(world: World, api: Api, what: str) -> None:
    bring(world, kea=KEA)
    with tenant(world.acme.id):
        source = Source.objects.for_organization(world.acme.id).get().pk
    address = f"sources/{source}" if what == "source" else "knowledge-bases/birds"
    assert api(world.dev).delete(f"/api/v1/{address}/").status_code == 204
    assert ask(world, api, "What steals rubber?") == []
    drop_deleted(world.acme.id)
    kept = {"rag_knowledgeindex": 1, "rag_knowledgebase": 1} if what == "source" else {}
    assert left(world) == dict.fromkeys(OF_KNOWLEDGE, 0) | kept
    with tenant(world.acme.id):
        assert not BlobHold.objects.for_organization(world.acme.id).exists()


@pytest.mark.parametrize("known", [True, False])
def test_another_model_answers_when_everything_is_embedded_by_it(
    world: World, api: Api, provider: Embeddings, known: bool
) -> None:
    """One that the provider does not have answers never: the index in use stays."""
    bring(world, kea=KEA)
    url, large = "/api/v1/knowledge-bases/birds/", "text-embedding-3-large"
    provider.models = (*provider.models, large) if known else provider.models
    changed = api(world.dev).patch(url, {"embedding": {"model": large}}, format="json")
    assert changed.status_code == 200, changed.json()
    states = {each["number"]: each["state"] for each in api(world.dev).get(f"{url}indexes/").json()["results"]}
    assert states == {2: "building", 1: "active"}
    assert ask(world, api, "What steals rubber?")[0]["citation"]["path"] == "docs/kea.md"
    building = api(world.dev).get("/api/v1/ingestions/", {"kind": "reindex"}).json()["results"][0]
    finish(world, UUID(building["id"]))
    states = {each["number"]: each["state"] for each in api(world.dev).get(f"{url}indexes/").json()["results"]}
    assert (states[1], states[2]) == (("retired", "active") if known else ("active", "failed"))
    assert ask(world, api, "What steals rubber?")[0]["citation"]["path"] == "docs/kea.md"
