# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Keeping bytes for the apps above, for as long as one of their rows needs them. Who may see them is theirs to say."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from accounts.tenancy import tenant
from rag.adapters.blobs import blob_store, read_whole
from rag.adapters.incoming import Received, receive
from rag.engine.ports import BlobKey
from rag.models import Blob, BlobHold

_LET_GO = "delete from rag_blobhold where holder = any(%s)"


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """Bytes that are kept, by their hash in hex."""

    sha256: str
    size: int


class OwnersConnection(Protocol):
    """A connection of the tables' owner, as upkeep has one."""

    def execute(self, query: Any, params: Any) -> Any:
        """Run a statement."""


def keep_bytes(organization_id: UUID, *, holder: UUID, chunks: Iterable[bytes], limit_bytes: int) -> KeptBytes:
    """Keep bytes for good and hold them. Raises FileTooLarge, StorageFull, StorageUnreachable."""
    with receive(chunks, path="snapshot", limit_bytes=limit_bytes) as received:
        # Held before they are kept: should this process die in between, whoever lets go of the holder lets go of them.
        _want(organization_id, received, holder=holder)
        blob_store().keep(BlobKey(organization_id, received.sha256), received.place)
        return KeptBytes(received.sha256, received.size)


def hold_bytes(organization_id: UUID, *, holder: UUID, hashes: Collection[str]) -> bool:
    """Hold bytes that are kept already; False, and nothing is held, where some of them are not."""
    with tenant(organization_id):
        # Locked, so that no sweep takes one away before it is held.
        rows = Blob.objects.for_organization(organization_id).filter(sha256__in=set(hashes))
        blobs = list(rows.select_for_update(no_key=True).order_by("pk"))
        if len(blobs) < len(set(hashes)):
            return False
        _hold(organization_id, blobs, holder=holder)
        return True


def holds_bytes(organization_id: UUID, *, holders: Collection[UUID], sha256: str) -> bool:
    """Whether one of these holds such bytes."""
    with tenant(organization_id):
        rows = BlobHold.objects.for_organization(organization_id)
        return rows.filter(holder__in=holders, blob__sha256=sha256).exists()


def read_bytes(organization_id: UUID, sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """Yield kept bytes, or a part of them. Raises BlobMissing, StorageUnreachable; of whole ones where they changed."""
    key = BlobKey(organization_id, sha256)
    return read_whole(key) if length is None and start == 0 else blob_store().read(key, start=start, length=length)


def let_go(connection: OwnersConnection, holders: Collection[UUID]) -> None:
    """Let go of everything that some held, by the owner's connection; what nobody holds any more is swept later."""
    connection.execute(_LET_GO, [list(holders)])


def _want(organization_id: UUID, received: Received, *, holder: UUID) -> None:
    with tenant(organization_id):
        blob = Blob(organization_id=organization_id, sha256=received.sha256, size=received.size)
        Blob.objects.bulk_create(
            [blob],
            update_conflicts=True,
            unique_fields=["organization", "sha256"],
            update_fields=["wanted_at"],
        )
        # What stood there before has an id of its own.
        rows = Blob.objects.for_organization(organization_id).filter(sha256=received.sha256)
        _hold(organization_id, list(rows), holder=holder)


def _hold(organization_id: UUID, blobs: Iterable[Blob], *, holder: UUID) -> None:
    holds = [BlobHold(organization_id=organization_id, blob=blob, holder=holder) for blob in blobs]
    BlobHold.objects.bulk_create(holds, ignore_conflicts=True)
