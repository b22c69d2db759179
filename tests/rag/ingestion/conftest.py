# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A library whose texts the test holds, and a provider of vectors that counts what it is asked."""

from collections.abc import Iterator
from typing import Any

import pytest

from llm.operations.catalogs import catalogs
from rag.adapters.parsing.crew import close_all
from tests.factories import World
from tests.fakes.embeddings import KEY, Embeddings, serve_embeddings
from tests.rag.ingestion.library import Library, Shelf, make_library


@pytest.fixture
def provider(settings: Any) -> Iterator[Embeddings]:
    """OpenAI, as far as this installation knows."""
    with serve_embeddings() as running:
        settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = running.url, KEY
        yield running


@pytest.fixture
def library(world: World, provider: Embeddings, monkeypatch: pytest.MonkeyPatch) -> Library:
    """An empty library of the developer."""
    shelf = Shelf()
    monkeypatch.setattr("rag.workers.work.open_reader", lambda _source: shelf)
    catalogs.forget(world.acme.id)
    return make_library(world.dev, world.project, shelf)


@pytest.fixture(scope="session", autouse=True)
def _readers_end() -> Iterator[None]:
    """Let no program that reads documents outlive the tests."""
    yield
    close_all()
