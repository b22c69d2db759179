# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A worker is killed: whoever goes on ends complete, with each text embedded once and each document found once."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings

from codexos.local.home import CHECKOUT
from llm.operations.catalogs import catalogs
from rag.models import IngestionState, SourceKind
from rag.workers import embedding, ingestion
from rag.workers.holding import Hold
from tests.factories import World
from tests.fakes.embeddings import KEY, Embeddings
from tests.rag.conftest import put
from tests.rag.ingestion.library import Library, Shelf, make_library
from tests.rag.ingestion.test_troubles import wake

MOST_MOMENTS = 60


class Killed(BaseException):
    """As if the process had ended: nothing that stands in the way of errors stands in its way."""


class Reaper:
    """Ends the work at its so manieth moment: before something is written, or around a call of the embedder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        note, embed, unharmed = Hold.note, embedding._embed, ingestion.note_unharmed
        monkeypatch.setattr(Hold, "note", self._before(note))
        monkeypatch.setattr(embedding, "_embed", self._after(self._before(embed)))
        # A dead process takes nothing back.
        monkeypatch.setattr(ingestion, "note_unharmed", lambda *about: None if self.left <= 0 else unharmed(*about))

    def _before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            self._strike()
            return real(*words, **named)

        return call

    def _after(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            come = real(*words, **named)
            self._strike()
            return come

        return call

    def _strike(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def test_wherever_a_worker_is_killed_the_next_one_ends_it(
    library: Library, provider: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaper, shelf, moments = Reaper(monkeypatch), library.shelf, 0
    for moment in range(1, MOST_MOMENTS):
        # each time another content under the same paths, beside one that stays
        shelf.texts = {"stays.md": "The rock stays."} | {
            f"{name}.md": f"Log {name} as of {moment}.\n\n" + f"Line of {name} {moment}. " * 150 for name in "ab"
        }
        provider.asked.clear()
        started = library.begin()
        reaper.left = moment
        try:
            library.carry(started)
        except Killed:
            moments += 1
            reaper.left = 0
            wake(library, started)
            library.carry(started)
        else:
            break
        ended = library.fresh(started)
        asked = Counter(text for call in provider.texts() for text in call)
        assert ended.state == IngestionState.SUCCEEDED, moment
        assert set(asked.values()) == {1}, f"embedded twice after it was killed at moment {moment}"
        assert set(library.live()) == {"a.md", "b.md", "stays.md"}
        assert all(f"as of {moment}." in library.live()[path][0] for path in ("a.md", "b.md"))
        assert [chunk for chunk in library.rows() if chunk.since is None or chunk.until is not None] == []
        assert (ended.found, ended.failed) == (3, 0)
    assert moments > 8


def test_a_slice_that_ends_is_free_at_once_however_fast_its_heart_beats(
    committed_world: World, provider: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf({f"{number}.md": f"Page {number} of the log." for number in range(30)})
    monkeypatch.setattr("rag.workers.work.open_reader", lambda _source: shelf)
    monkeypatch.setattr("rag.workers.holding.LEASE", timedelta(milliseconds=30))
    catalogs.forget(committed_world.acme.id)
    library = make_library(committed_world.dev, committed_world.project, shelf)
    ended = library.carry(library.begin(), seconds=0.01)
    assert (ended.state, ended.indexed) == (IngestionState.SUCCEEDED, 30)
    assert ended.attempt > 1


@contextmanager
def job_worker() -> Iterator["subprocess.Popen[bytes]"]:
    """Run the job worker as it is in production, until it is killed or the block ends."""
    name, address = str(settings.DATABASES["default"]["NAME"]), os.environ["DATABASE_URL"]
    before, _, after = address.partition("?")
    given = {
        **os.environ,
        "DATABASE_URL": f"{before.rpartition('/')[0]}/{name}?{after}",
        "OPENAI_BASE_URL": settings.OPENAI_BASE_URL,
        "OPENAI_API_KEY": KEY,
        "CODEXOS_HOME": str(settings.BLOB_FOLDER.parent),
    }
    words = "-m celery -A codexos.celery worker -P prefork -c 1 -Q jobs,celery -n killed@%h --without-gossip"
    node = subprocess.Popen(
        [sys.executable, *words.split(), "--without-mingle", "--loglevel", "WARNING"],
        cwd=CHECKOUT,
        env=given,
        start_new_session=True,
    )
    try:
        yield node
    finally:
        kill(node)


def kill(node: "subprocess.Popen[bytes]") -> None:
    """End it with all it started, without a word."""
    if node.poll() is None:
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()


def test_a_job_worker_is_killed_while_it_embeds(
    committed_world: World, provider: Embeddings, truth: psycopg.Connection
) -> None:
    world = committed_world
    catalogs.forget(world.acme.id)
    for number in range(60):
        put(world.dev, world, f"log/{number}.md", f"Page {number} of the log of the lighthouse.\n".encode())
    library = make_library(world.dev, world.project, Shelf(), kind=SourceKind.FILES)
    provider.is_open.clear()
    started = library.begin()
    with job_worker() as node:
        # killed while its embedder works
        assert provider.has_come.wait(60)
        kill(node)
    provider.is_open.set()
    assert library.fresh(started).state == IngestionState.RUNNING
    wake(library, started)
    # when another goes on
    library.carry(started)
    ended = library.fresh(started)
    assert (ended.state, ended.indexed, ended.embedded, ended.failed) == (IngestionState.SUCCEEDED, 60, 60, 0)
    assert len(library.live()) == 60
    counts = Counter(text for call in provider.texts() for text in call)
    # What was on its way to the provider when the worker died is asked for once more; all else once.
    assert len(counts) == 60
    assert sum(counts.values()) <= 60 + embedding.AT_ONCE
    ((doubled,),) = truth.execute(
        "select count(*) from (select document_id, ordinal from rag_chunk group by 1, 2 having count(*) > 1) x"
    ).fetchall()
    assert doubled == 0
