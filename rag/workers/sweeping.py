# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Sweeps bytes that no version points to and nobody holds: of deleted files, and of uploads that died before rows."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.tenancy import tenant
from codexos.kernel import clock
from rag.adapters.blobs import blob_store
from rag.adapters.incoming import sweep_incoming
from rag.engine.ports import BlobKey
from rag.models import Blob, BlobHold, FileVersion

GRACE = timedelta(hours=1)
"""How long bytes may be without a version: far longer than an upload takes between keeping them and writing rows."""


def sweep(organization_id: UUID) -> int:
    """Remove every idle blob of one organization; return how many. May die anywhere and be run again."""
    sweep_incoming(older_than=GRACE)
    swept = 0
    while _sweep_next(organization_id):
        swept += 1
    return swept


def _sweep_next(organization_id: UUID) -> bool:
    versions = FileVersion.objects.for_organization(organization_id).filter(blob=OuterRef("pk"))
    holds = BlobHold.objects.for_organization(organization_id).filter(blob=OuterRef("pk"))
    with tenant(organization_id):
        blob = (
            Blob.objects.for_organization(organization_id)
            .filter(~Exists(versions), ~Exists(holds), wanted_at__lt=clock.now() - GRACE)
            .select_for_update(skip_locked=True)
            .first()
        )
        if blob is None:
            return False
        # Whoever stores the same bytes again waits for this row, and then keeps them anew.
        blob_store().remove(BlobKey(organization_id, blob.sha256))
        blob.delete()
        return True
