# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The storage of this installation: S3-compatible where CODEXOS_S3_URL says so, else a folder on disk."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

from codexos.kernel.http import EgressPolicy, parse_egress_allow
from rag.adapters.disk import DiskBlobs
from rag.engine.ports import BlobKey, BlobStore
from rag.errors import BlobMissing


def blob_store() -> BlobStore:
    """Return where blobs are kept."""
    return _store(settings.S3_URL, settings.BLOB_FOLDER)


def read_whole(key: BlobKey) -> Iterator[bytes]:
    """Yield all bytes of a blob. Raises BlobMissing, at the end where they are not what was stored."""
    digest = hashlib.sha256()
    for piece in blob_store().read(key):
        digest.update(piece)
        yield piece
    if digest.hexdigest() != key.sha256:
        raise BlobMissing(sha256=key.sha256, because="is not what it was when it was stored")


@cache
def _store(s3_url: str, folder: Path) -> BlobStore:
    if not s3_url:
        return DiskBlobs(folder)
    # Only here: the signing library costs every process memory that most installations never need.
    from rag.adapters.s3 import S3Blobs

    policy = EgressPolicy(allow=parse_egress_allow(settings.EGRESS_ALLOW), local_only=settings.EGRESS_LOCAL_ONLY)
    return S3Blobs(s3_url, policy=policy)
