# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries ids down to the workers of rag."""

from uuid import UUID

from celery import shared_task

from rag.workers.sweeping import sweep


@shared_task(name="rag.tasks.sweep_blobs")
def sweep_blobs(organization_id: str) -> None:
    """Sweep what one organization keeps and nothing points to."""
    sweep(UUID(organization_id))
