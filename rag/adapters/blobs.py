# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The storage of this installation: S3-compatible where CODEXOS_S3_URL says so, else a folder on disk."""

from functools import cache
from pathlib import Path

from django.conf import settings

from codexos.kernel.http import EgressPolicy, parse_egress_allow
from rag.adapters.disk import DiskBlobs
from rag.engine.ports import BlobStore


def blob_store() -> BlobStore:
    """Return where blobs are kept."""
    return _store(settings.S3_URL, settings.BLOB_FOLDER)


@cache
def _store(s3_url: str, folder: Path) -> BlobStore:
    if not s3_url:
        return DiskBlobs(folder)
    # Only here: the signing library costs every process memory that most installations never need.
    from rag.adapters.s3 import S3Blobs

    policy = EgressPolicy(allow=parse_egress_allow(settings.EGRESS_ALLOW), local_only=settings.EGRESS_LOCAL_ONLY)
    return S3Blobs(s3_url, policy=policy)
