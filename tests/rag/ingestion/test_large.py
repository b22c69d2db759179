# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Ten gigabytes, by simulation: what is listed and what is fetched streams through, and what is too much is refused."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tenancy import tenant
from rag.engine.ports import Content, Entry
from rag.models import Document, IngestionState
from rag.workers.fetching import fetch
from rag.workers.holding import claim
from rag.workers.listing import list_source
from rag.workers.work import Work, load_work
from tests.rag.ingestion.library import Library

MEBIBYTE = 1024**2
FILES = 2_000
EACH = 5 * MEBIBYTE


def entries() -> Iterator[Entry]:
    return (Entry(f"src/part{number % 50}/file{number}.py", mark=f"{number:x}", size=EACH) for number in range(FILES))


def work_on(library: Library) -> Work:
    """Begin to carry what is begun, without doing any of it."""
    started = library.begin()
    hold = claim(library.organization_id, started.pk, attempt=started.attempt)
    assert hold is not None
    return load_work(hold)


def test_ten_gigabytes_are_listed_without_holding_them(library: Library) -> None:
    library.shelf.shown = entries
    work = work_on(library)
    tracemalloc.start()
    try:
        list_source(work)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MEBIBYTE
    work.reload()
    assert (work.ingestion.found, work.ingestion.unchanged) == (FILES, 0)
    # and once more, where nothing changed: in batches, and nothing is written but that they were seen
    with (
        tenant(library.organization_id),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        list_source(work)
    work.reload()
    assert (work.ingestion.found, work.ingestion.unchanged) == (FILES, FILES)
    assert library.shelf.reads == []
    assert len(asked) < FILES / 30


def test_a_source_that_is_too_large_fails_as_a_whole_and_loses_nothing(library: Library, settings: Any) -> None:
    library.shelf.texts = {"a.md": "The rock.", "b.md": "The sea."}
    library.sync()
    library.shelf.shown = lambda: [Entry("c.md", mark="1", size=10), Entry("d.md", mark="2", size=10)]
    for name, limit, what in (("BYTES", 15, "bytes"), ("DOCUMENTS", 1, "documents")):
        before = getattr(settings, f"KNOWLEDGE_SOURCE_{name}")
        setattr(settings, f"KNOWLEDGE_SOURCE_{name}", limit)
        ended = library.sync()
        setattr(settings, f"KNOWLEDGE_SOURCE_{name}", before)
        assert ended.state == IngestionState.FAILED
        assert f"more than {limit} {what}" in ended.reason
        assert set(library.live()) == {"a.md", "b.md"}


def test_a_document_is_fetched_piece_by_piece(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 32 * MEBIBYTE
    library.shelf.shown = lambda: [Entry("large.txt", mark="1", size=size)]
    work = work_on(library)
    list_source(work)
    work.reload()
    pieces = (b"The lamp is lit. " * 4096 for _ in range(size // (17 * 4096)))
    monkeypatch.setattr(library.shelf, "read", lambda *_, **__: Content(pieces, mark="1"))
    with tenant(library.organization_id):
        document = Document.objects.for_organization(library.organization_id).get(path="large.txt")
    tracemalloc.start()
    try:
        fetch(work, document)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MEBIBYTE
    assert document.size > size * 0.9


def test_a_document_that_is_too_long_or_too_much_fails_alone(library: Library, settings: Any) -> None:
    settings.KNOWLEDGE_DOCUMENT_CHUNKS = 3
    long = "\n\n".join(f"On day {day} the lamp was lit at six. " * 30 for day in range(20))
    library.shelf.texts = {"a.md": "The rock.", "long.md": long}
    ended = library.sync()
    assert (ended.state, ended.indexed, ended.failed) == (IngestionState.SUCCEEDED, 1, 1)
    assert library.document("long.md").error_code == "document_too_long"
    # and where the base is full, whatever comes says so
    settings.KNOWLEDGE_CHUNKS = 1
    library.shelf.texts = {"a.md": "The rock.", "b.md": "The sea."}
    library.sync()
    assert library.document("b.md").error_code == "index_full"
    assert set(library.live()) == {"a.md"}
