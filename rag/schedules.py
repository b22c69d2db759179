# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in rag."""

from celery import shared_task
from celery.schedules import crontab

from rag.operations.sweeping import sweep_everywhere

TIMETABLE = {
    "rag: sweep idle blobs": {"task": "rag.schedules.sweep_idle_blobs", "schedule": crontab(minute="43")},
}


@shared_task(name="rag.schedules.sweep_idle_blobs")
def sweep_idle_blobs() -> None:
    """Once an hour: sweep bytes that nothing points to."""
    sweep_everywhere()
