# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries ids down to the workers of rag."""

from uuid import UUID

from celery import shared_task

from rag.workers.ingestion import carry
from rag.workers.removing import drop_deleted, drop_index
from rag.workers.sweeping import sweep


@shared_task(name="rag.tasks.sweep_blobs")
def sweep_blobs(organization_id: str) -> None:
    """Sweep what one organization keeps and nothing points to."""
    sweep(UUID(organization_id))


@shared_task(name="rag.tasks.ingest")
def ingest(organization_id: str, ingestion_id: str, attempt: int) -> None:
    """Carry an ingestion for a slice, then send for the next."""
    following = carry(UUID(organization_id), UUID(ingestion_id), attempt=attempt)
    if following is not None:
        ingest.delay(organization_id, str(following.ingestion_id), following.attempt)


@shared_task(name="rag.tasks.remove_deleted")
def remove_deleted(organization_id: str) -> None:
    """Take away the rows of bases and sources that were deleted in one organization."""
    drop_deleted(UUID(organization_id))


@shared_task(name="rag.tasks.drop_old_index")
def drop_old_index(organization_id: str, index_id: str) -> None:
    """Take away an index that was retired."""
    drop_index(UUID(organization_id), UUID(index_id))
