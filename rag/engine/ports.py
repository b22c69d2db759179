# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What files need from the world: a place that keeps bytes by their hash."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BlobKey:
    """Which bytes: those of one organization with this SHA-256 (hex). Two organizations never share any."""

    organization_id: UUID
    sha256: str


class BlobStore(Protocol):
    """Keeps bytes for good. Every method raises StorageUnreachable where the place cannot be used."""

    def keep(self, key: BlobKey, source: Path) -> None:
        """Store the content of the file ``source``, all or nothing; may move it away. Raises StorageFull."""

    def read(self, key: BlobKey, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the bytes, or ``length`` of them from ``start``. Opens at once. Raises BlobMissing."""

    def remove(self, key: BlobKey) -> None:
        """Forget the bytes; does nothing where they are gone already."""
