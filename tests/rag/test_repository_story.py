# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A repository from its first commit to nothing: connected, read by workers, asked, pushed to, asked again, deleted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current

from accounts.tenancy import tenant
from llm.operations.catalogs import catalogs
from rag.adapters.parsing.crew import close_all
from rag.models import BlobHold, Document, Ingestion, PathHistory, Revision, Source, SourceHistory, Symbol
from rag.models.symbols import SymbolReading
from rag.tasks import ingest, remove_deleted
from tests.factories import World
from tests.fakes.embeddings import KEY, serve_embeddings
from tests.fakes.git_server import git, make_repository, serve_git

Api = Callable[..., Any]
BEFORE = "def pay(order):\n    return charge(order, by='invoice')\n"
AFTER = "def pay(order):\n    return charge(order, by='credit card')\n"
OF_SOURCES = (Source, Document, Ingestion, Revision, PathHistory, SourceHistory, Symbol, SymbolReading, BlobHold)


@pytest.fixture
def address(tmp_path: Path, settings: Any) -> Iterator[str]:
    """A host with a repository, and a provider that embeds."""
    settings.CODEXOS_HOME = tmp_path / "home"
    with serve_git(tmp_path / "remote") as host, serve_embeddings() as provider:
        make_repository(tmp_path / "remote" / "acme" / "shop.git", {"pay.py": BEFORE, "old.md": "# Old\n\nRubber.\n"})
        settings.EGRESS_ALLOW = host.url.removeprefix("http://")
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = provider.url, KEY
        yield f"{host.url}/acme/shop.git"
    close_all()


def work(world: World) -> None:
    """Do what job workers are sent, as they do, until nothing is left."""
    while True:
        with tenant(world.acme.id):
            rows = Ingestion.objects.for_organization(world.acme.id).filter(state__in=["queued", "running"])
            row = rows.first()
        if row is None:
            return
        ingest.run(str(world.acme.id), str(row.pk), row.attempt)


def texts(world: World, api: Api, question: str) -> dict[str, str]:
    answer = api(world.viewer).post("/rag/query", {"query": question, "project_id": "main"}, format="json")
    assert answer.status_code == 200, answer.json()
    return {each["citation"]["path"]: each["text"] for each in answer.json()["results"]}


def push(place: Path, files: dict[str, str | None]) -> None:
    work = place.parent / f"{place.name}.work"
    for path, text in files.items():
        if text is None:
            git(work, "rm", "-q", path)
        else:
            (work / path).write_text(text)
    git(work, "commit", "-qam", "Take cards")
    git(work, "push", "-q", str(place), "HEAD:main")


def test_answers_follow_a_repository_until_it_is_deleted(world: World, api: Api, address: str, tmp_path: Path) -> None:
    catalogs.forget(world.acme.id)
    said = {"name": "Shop", "embedding": {"model": "text-embedding-3-small"}}
    assert api(world.dev).post("/api/v1/knowledge-bases/", said, format="json").status_code == 201
    said = {"knowledge_base_id": "shop", "type": "git", "url": address}
    made = api(world.dev).post("/api/v1/sources/", said, format="json")
    assert made.status_code == 201, made.json()
    place = f"/api/v1/sources/{made.json()['id']}/"
    work(world)
    found = texts(world, api, "How is an order paid?")
    assert "invoice" in found["pay.py"]
    assert "old.md" in found

    # one document by itself, again
    listed = api(world.dev).get("/api/v1/documents/", {"knowledge_base_id": "shop"}).json()["results"]
    (paid,) = [each for each in listed if each["path"] == "pay.py"]
    assert api(world.dev).post(f"/api/v1/documents/{paid['id']}/retry/").status_code == 202
    work(world)
    again = api(world.dev).get(f"/api/v1/documents/{paid['id']}/").json()
    assert (again["state"], again["error_code"]) == ("ready", ""), again

    push(tmp_path / "remote" / "acme" / "shop.git", {"pay.py": AFTER, "old.md": None})
    assert api(world.dev).post(f"{place}sync/").status_code in (200, 201, 202)
    work(world)
    found = texts(world, api, "How is an order paid?")
    assert "credit card" in found["pay.py"]
    assert "invoice" not in found["pay.py"]
    assert "old.md" not in found
    kept = current.CODEXOS_HOME / "sources" / str(world.acme.id)
    assert list(kept.iterdir())

    assert api(world.dev).delete(place).status_code == 204
    assert texts(world, api, "How is an order paid?") == {}
    remove_deleted.run(str(world.acme.id))
    with tenant(world.acme.id):
        counts = {each.__name__: each.objects.for_organization(world.acme.id).count() for each in OF_SOURCES}
    assert counts == dict.fromkeys(counts, 0)
    assert list(kept.iterdir()) == []
