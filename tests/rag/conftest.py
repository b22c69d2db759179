# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""A storage of its own for every test, and words for what is done with files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.tenancy import tenant
from rag.models import Blob, FileVersion
from rag.operations.files import Stored, store_file
from tests.factories import Someone, World


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> Path:
    """Keep blobs where the test can look at them."""
    settings.BLOB_FOLDER = tmp_path / "blobs"
    return tmp_path / "blobs"


@pytest.fixture
def kept(blob_folder: Path) -> Callable[[], list[Path]]:
    """Return every file in the storage, those on their way in included."""
    return lambda: [path for path in blob_folder.rglob("*") if not path.is_dir()]


def put(who: Someone, world: World, path: str, content: bytes = b"hello\n", **options: Any) -> Stored:
    """Store content in the world's project."""
    return store_file(who.actor, world.project.id, path=path, chunks=[content], **options)


def count_rows(world: World) -> tuple[int, int]:
    """Return how many versions and blobs Acme has."""
    with tenant(world.acme.id):
        versions = FileVersion.objects.for_organization(world.acme.id).count()
        return versions, Blob.objects.for_organization(world.acme.id).count()


def slowly(content: bytes, *, piece: int = 1000) -> Iterator[bytes]:
    """Yield content piece by piece."""
    for start in range(0, len(content), piece):
        yield content[start : start + piece]
