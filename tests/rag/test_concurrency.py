# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Many at once, and processes that die halfway."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.tenancy import tenant
from codexos.kernel import clock
from rag.engine.expectations import Expectation
from rag.errors import FileChanged, ProjectFull
from rag.models import Blob
from rag.operations.contents import read_text
from rag.operations.files import Stored, delete_file, store_file
from rag.queries.files import list_versions
from rag.schedules import TIMETABLE, sweep_idle_blobs
from rag.workers.sweeping import GRACE, sweep
from tests.factories import World
from tests.rag.conftest import put

Kept = Callable[[], list[Path]]


def at_once(count: int, deed: Callable[[int], Any]) -> list[Any]:
    """Do a deed in many threads that start together; return what each gave or raised."""
    gate = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            gate.wait()
            return deed(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_writers_at_once_make_a_version_each(committed_world: World) -> None:
    world = committed_world
    results = at_once(8, lambda n: put(world.dev, world, "a.md", b"text %d" % n))
    assert all(isinstance(result, Stored) for result in results), results
    versions = list_versions(world.dev.actor, world.project.id, "a.md").rows
    assert [version.number for version in versions] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert len({version.sha256 for version in versions}) == 8
    assert sum(result.is_new for result in results) == 1


def test_writers_of_the_same_content_make_one_version(committed_world: World, kept: Kept) -> None:
    world = committed_world
    results = at_once(6, lambda _: put(world.dev, world, "a.md", b"same"))
    assert [type(result) for result in results] == [Stored] * 6
    assert sum(result.is_changed for result in results) == 1
    assert len(kept()) == 1


def test_of_writers_who_saw_the_same_state_one_wins(committed_world: World) -> None:
    world = committed_world
    seen = put(world.dev, world, "a.md", b"first").file.current.sha256
    expectation = Expectation(one_of=frozenset({seen}))
    results = at_once(4, lambda n: put(world.dev, world, "a.md", b"next %d" % n, expectation=expectation))
    assert sorted(type(result).__name__ for result in results) == ["FileChanged"] * 3 + ["Stored"]
    assert any(isinstance(result, FileChanged) for result in results)


def test_a_limit_holds_for_writers_at_once(committed_world: World, settings: Any) -> None:
    world = committed_world
    settings.PROJECT_SIZE_LIMIT = 100
    results = at_once(6, lambda n: put(world.dev, world, f"{n}.md", bytes([65 + n]) * 30))
    assert sum(isinstance(result, Stored) for result in results) == 3
    assert sum(isinstance(result, ProjectFull) for result in results) == 3


def age(world: World, truth: psycopg.Connection) -> None:
    """Let the grace of every blob pass."""
    truth.execute("update rag_blob set wanted_at = %s", [clock.now() - 2 * GRACE])


def count_blobs(world: World) -> int:
    with tenant(world.acme.id):
        return Blob.objects.for_organization(world.acme.id).count()


def test_bytes_without_a_row_are_swept(
    committed_world: World, truth: psycopg.Connection, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    with monkeypatch.context() as patch:
        patch.setattr("rag.operations.files._add_version", lambda *_a, **_k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            put(world.dev, world, "a.md", b"orphan")
    put(world.dev, world, "b.md", b"wanted")
    assert len(kept()) == 2
    assert sweep(world.acme.id) == 0, "an upload may still be on its way"
    age(world, truth)
    assert sweep(world.acme.id) == 1
    assert len(kept()) == count_blobs(world) == 1
    assert read_text(world.dev.actor, world.project.id, ["b.md"])[0][1] == "wanted"


def test_deleted_bytes_are_swept_unless_another_file_has_them(
    committed_world: World, truth: psycopg.Connection, kept: Kept
) -> None:
    world = committed_world
    put(world.dev, world, "a.md", b"shared")
    put(world.dev, world, "b.md", b"shared")
    delete_file(world.dev.actor, world.project.id, path="a.md")
    age(world, truth)
    assert sweep(world.acme.id) == 0
    assert len(kept()) == 1
    delete_file(world.dev.actor, world.project.id, path="b.md")
    assert sweep(world.acme.id) == 1
    assert kept() == []


def test_bytes_stored_again_while_they_are_swept_survive(
    committed_world: World, truth: psycopg.Connection, kept: Kept
) -> None:
    world = committed_world
    for _ in range(5):
        put(world.dev, world, "a.md", b"again")
        delete_file(world.dev.actor, world.project.id, path="a.md")
        age(world, truth)
        results = at_once(2, lambda n: sweep(world.acme.id) if n else put(world.dev, world, "a.md", b"again"))
        assert isinstance(results[0], Stored), results
        assert read_text(world.dev.actor, world.project.id, ["a.md"])[0][1] == "again"
        delete_file(world.dev.actor, world.project.id, path="a.md")


def test_the_clock_sweeps_only_where_there_is_something(
    committed_world: World, truth: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = committed_world
    swept: list[str] = []
    monkeypatch.setattr("rag.operations.sweeping.sweep_blobs.delay", swept.append)
    put(world.dev, world, "a.md")
    age(world, truth)
    sweep_idle_blobs()
    assert swept == []
    delete_file(world.dev.actor, world.project.id, path="a.md")
    swept.clear()
    sweep_idle_blobs()
    assert swept == [str(world.acme.id)]
    assert sweep_idle_blobs.name in [entry["task"] for entry in TIMETABLE.values()]


def test_what_a_dead_upload_left_is_cleared(committed_world: World, blob_folder: Path) -> None:
    import os
    import time

    world = committed_world
    left, young = blob_folder / "incoming" / "left", blob_folder / "incoming" / "young"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    young.write_bytes(b"half")
    old = time.time() - (GRACE + timedelta(minutes=1)).total_seconds()
    os.utime(left, (old, old))
    sweep(world.acme.id)
    assert (left.exists(), young.exists()) == (False, True)


def test_an_upload_is_never_held_whole(world: World) -> None:
    import tracemalloc

    pieces = (bytes([n % 256]) * (1 << 20) for n in range(64))
    tracemalloc.start()
    try:
        stored = store_file(world.dev.actor, world.project.id, path="big.bin", chunks=pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stored.file.current.size == 64 << 20
    assert peak < 8 << 20
