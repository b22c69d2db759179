# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The folder of blobs: full disks, planted links, damaged bytes."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.adapters.disk import DiskBlobs
from rag.engine.ports import BlobKey
from rag.errors import BlobMissing, StorageFull, StorageUnreachable
from rag.operations.contents import read_content, read_text
from tests.factories import World
from tests.rag.conftest import count_rows, put

Kept = Callable[[], list[Path]]
HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_full_disk_is_said_and_nothing_half_written(
    world: World, kept: Kept, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_arguments: object, **_names: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StorageFull, match="storage is full"):
            put(world.dev, world, "a.txt")
    assert kept() == []
    assert count_rows(world)[0] == 0
    assert put(world.dev, world, "a.txt").is_new


def test_a_full_disk_is_unavailable_over_http(world: World, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> int:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        answer = api(world.dev).put(
            f"/api/v1/projects/{world.project.id}/files/a.md", data=b"x", content_type="text/markdown"
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_full")


def test_a_planted_link_for_a_file_is_replaced_and_never_followed(world: World, blob_folder: Path) -> None:
    victim = blob_folder.parent / "victim"
    victim.write_bytes(b"untouched")
    planted = blob_folder / str(world.acme.id) / HELLO[:2] / HELLO[2:4] / HELLO
    planted.parent.mkdir(parents=True)
    planted.symlink_to(victim)
    version = put(world.dev, world, "a.txt", b"hello\n").file.current
    assert victim.read_bytes() == b"untouched"
    assert planted.is_symlink() is False
    assert b"".join(read_content(version)) == b"hello\n"

    planted.unlink()
    planted.symlink_to(victim)
    with pytest.raises(BlobMissing):
        read_content(version)


def test_a_planted_link_for_a_folder_leads_nowhere(world: World, blob_folder: Path) -> None:
    elsewhere = blob_folder.parent / "elsewhere"
    elsewhere.mkdir()
    blob_folder.mkdir()
    (blob_folder / str(world.acme.id)).symlink_to(elsewhere)
    with pytest.raises(StorageUnreachable):
        put(world.dev, world, "a.txt")
    assert list(elsewhere.iterdir()) == []


def test_damaged_bytes_are_not_passed_off_as_the_file(world: World, kept: Kept) -> None:
    put(world.dev, world, "a.txt")
    (blob,) = kept()
    blob.write_bytes(b"hacked")
    with pytest.raises(BlobMissing, match="not what it was"):
        read_text(world.dev.actor, world.project.id, ["a.txt"])


def test_a_part_is_read_and_what_is_gone_is_removed_again(world: World, blob_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    store, key = DiskBlobs(blob_folder), BlobKey(world.acme.id, "ab" * 32)
    store.keep(key, source)
    assert b"".join(store.read(key, start=2, length=3)) == b"234"
    assert b"".join(store.read(key, start=8)) == b"89"
    store.remove(key)
    store.remove(key)
    with pytest.raises(BlobMissing):
        store.read(key)


def test_a_forgotten_reader_leaves_no_descriptor_open(world: World) -> None:
    version = put(world.dev, world, "a.txt").file.current
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        read_content(version)
    assert len(os.listdir("/proc/self/fd")) == before
