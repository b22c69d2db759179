# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Too much: of one file, of all files, of a lie about the length."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.api.bodies import PIECE_BYTES
from rag.errors import FileTooLarge, ProjectFull, UploadIncomplete
from rag.operations.files import delete_file, store_file
from rag.queries.files import count_bytes
from tests.factories import World
from tests.rag.conftest import count_rows, put

Kept = Callable[[], list[Path]]
FIVE_GB = 5 * 1024**3


class Unreadable(io.RawIOBase):
    """A body that must not be touched."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


def test_five_gigabytes_are_refused_without_reading_any(world: World, api: Any, kept: Kept) -> None:
    answer = api(world.dev).generic(
        "PUT",
        f"/api/v1/projects/{world.project.id}/files/big.bin",
        CONTENT_LENGTH=str(FIVE_GB),
        **{"wsgi.input": Unreadable()},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert answer.json()["limit_bytes"] == 100 * 1024 * 1024
    assert kept() == []


def test_an_endless_body_is_cut_at_the_limit(world: World, api: Any, kept: Kept, settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 10 * PIECE_BYTES
    taken = 0

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            nonlocal taken
            taken += size
            return b"x" * size

    answer = api(world.dev).generic(
        "PUT",
        f"/api/v1/projects/{world.project.id}/files/big.bin",
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input": Endless(), "wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert taken == 11 * PIECE_BYTES
    assert kept() == []
    assert count_rows(world) == (0, 0)


def test_a_chunked_body_is_stored_whole_or_refused_but_never_as_empty(world: World, api: Any) -> None:
    url = f"/api/v1/projects/{world.project.id}/files/a.txt"
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"whole")}
    assert api(world.dev).generic("PUT", url, **chunked).status_code == 411
    answer = api(world.dev).generic("PUT", url, **chunked, **{"wsgi.input_terminated": True})
    assert (answer.status_code, answer.json()["size"]) == (201, 5)


def test_an_interrupted_upload_leaves_nothing(world: World, api: Any, kept: Kept) -> None:
    answer = api(world.dev).generic(
        "PUT",
        f"/api/v1/projects/{world.project.id}/files/a.txt",
        CONTENT_LENGTH="1000",
        **{"wsgi.input": io.BytesIO(b"only this")},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_incomplete")
    assert kept() == []
    assert count_rows(world) == (0, 0)


def test_a_sender_who_breaks_off_leaves_nothing(world: World, kept: Kept) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"some"
        assert len(kept()) == 1
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store_file(world.dev.actor, world.project.id, path="a.txt", chunks=breaking())
    with pytest.raises(UploadIncomplete):
        put(world.dev, world, "a.txt", b"short", expected_bytes=6)
    assert kept() == []


def test_a_file_of_exactly_the_limit_fits(world: World, settings: Any) -> None:
    settings.FILE_SIZE_LIMIT = 10
    assert put(world.dev, world, "a.txt", b"x" * 10).is_new
    with pytest.raises(FileTooLarge):
        put(world.dev, world, "b.txt", b"x" * 11)


def test_a_full_project_takes_nothing_more_until_something_goes(world: World, settings: Any, kept: Kept) -> None:
    settings.PROJECT_SIZE_LIMIT = 10
    put(world.dev, world, "a.txt", b"123456")
    with pytest.raises(ProjectFull):
        put(world.dev, world, "a.txt", b"12345")
    with pytest.raises(ProjectFull):
        store_file(world.dev.actor, world.project.id, path="b", chunks=Unasked(), expected_bytes=5)
    put(world.dev, world, "a.txt", b"1234")
    assert count_bytes(world.dev.actor, world.project.id) == 10
    delete_file(world.dev.actor, world.project.id, path="a.txt")
    assert put(world.dev, world, "b.txt", b"x" * 10).is_new


class Unasked:
    """Pieces nobody may ask for."""

    def __iter__(self) -> Iterator[bytes]:
        raise AssertionError("the upload was read")
