# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Blobs in a bucket: the same promises as on disk, over the wire."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from codexos.kernel.http import EgressPolicy, parse_egress_allow
from rag.adapters.s3 import PART_BYTES, S3Blobs, S3UrlInvalid, parse_s3_url
from rag.engine.ports import BlobKey
from rag.errors import BlobMissing, StorageFull, StorageUnreachable
from rag.operations.contents import read_text
from tests.factories import World
from tests.fakes.s3 import SECRET, Bucket, serve_bucket
from tests.rag.conftest import count_rows, put

LOCAL = EgressPolicy(allow=parse_egress_allow("127.0.0.1"))


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serve_bucket() as served:
        yield served


@pytest.fixture
def key() -> BlobKey:
    return BlobKey(uuid4(), "ab" * 32)


def source_of(folder: Path, content: bytes) -> Path:
    (folder / "source").write_bytes(content)
    return folder / "source"


def test_bytes_are_kept_read_and_removed(bucket: Bucket, key: BlobKey, tmp_path: Path) -> None:
    store = S3Blobs(bucket.url, policy=LOCAL)
    store.keep(key, source_of(tmp_path, b"0123456789"))
    assert list(bucket.objects) == [f"/attic/blobs/{key.organization_id}/ab/ab/{key.sha256}"]
    assert b"".join(store.read(key)) == b"0123456789"
    assert b"".join(store.read(key, start=2, length=3)) == b"234"
    assert b"".join(store.read(key, start=8)) == b"89"
    assert b"".join(store.read(key, length=0)) == b""
    store.keep(key, source_of(tmp_path, b"0123456789"))
    assert bucket.asked.count("PUT") == 1
    store.remove(key)
    store.remove(key)
    with pytest.raises(BlobMissing):
        store.read(key)


@pytest.mark.parametrize("size", [0, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 5])
def test_large_content_travels_in_parts(bucket: Bucket, key: BlobKey, tmp_path: Path, size: int) -> None:
    store = S3Blobs(bucket.url, policy=LOCAL)
    store.keep(key, source_of(tmp_path, b"x" * size))
    assert sum(len(piece) for piece in store.read(key)) == size
    assert bucket.largest_body <= PART_BYTES
    assert bucket.parts == {}


def test_parts_of_a_failed_upload_are_taken_back(bucket: Bucket, key: BlobKey, tmp_path: Path) -> None:
    bucket.refuse = {"PUT partNumber uploadId": 500}
    with pytest.raises(StorageUnreachable, match="500"):
        S3Blobs(bucket.url, policy=LOCAL).keep(key, source_of(tmp_path, b"x" * (PART_BYTES + 1)))
    assert (bucket.parts, bucket.objects) == ({}, {})
    assert bucket.asked[-1] == "DELETE uploadId"


def test_an_end_that_fails_late_is_noticed(bucket: Bucket, key: BlobKey, tmp_path: Path) -> None:
    bucket.refuse = {"POST uploadId": 200}
    with pytest.raises(StorageUnreachable):
        S3Blobs(bucket.url, policy=LOCAL).keep(key, source_of(tmp_path, b"x" * (PART_BYTES + 1)))


def test_a_wrong_secret_is_refused_and_never_shown(bucket: Bucket, key: BlobKey, tmp_path: Path) -> None:
    store = S3Blobs(bucket.url.replace("s3cr3t", "wrong"), policy=LOCAL)
    with pytest.raises(StorageUnreachable, match="403") as failure:
        store.keep(key, source_of(tmp_path, b"x"))
    assert bucket.objects == {}
    assert "wrong" not in f"{failure.value!r} {failure.value.details} {parse_s3_url(bucket.url)!r}"
    assert SECRET not in repr(parse_s3_url(bucket.url))


def test_a_full_bucket_is_full_storage(bucket: Bucket, key: BlobKey, tmp_path: Path) -> None:
    bucket.refuse = {"PUT": 507}
    with pytest.raises(StorageFull):
        S3Blobs(bucket.url, policy=LOCAL).keep(key, source_of(tmp_path, b"x"))


def test_a_bucket_at_a_closed_address_is_not_reached(bucket: Bucket, key: BlobKey) -> None:
    with pytest.raises(StorageUnreachable, match="may not be reached"):
        S3Blobs(bucket.url, policy=EgressPolicy()).read(key)
    assert bucket.asked == []


@pytest.mark.parametrize(
    "url", ["s3://b", "https://host/bucket", "https://key@host/bucket", "https://k:s@host", "ftp://k:s@host/bucket"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(S3UrlInvalid):
        parse_s3_url(url)


def test_files_are_kept_in_the_bucket_by_setting(world: World, bucket: Bucket, settings: Any) -> None:
    settings.S3_URL, settings.EGRESS_ALLOW = bucket.url, "127.0.0.1"
    put(world.dev, world, "a.md", b"in the bucket")
    assert read_text(world.dev.actor, world.project.id, ["a.md"])[0][1] == "in the bucket"
    assert list(bucket.objects.values()) == [b"in the bucket"]
    bucket.refuse = {"PUT": 503}
    with pytest.raises(StorageUnreachable):
        put(world.dev, world, "b.md", b"never arrives")
    assert count_rows(world)[0] == 1
