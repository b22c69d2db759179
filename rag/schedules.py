# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in rag."""

from celery import shared_task

from rag.operations.sweeping import sweep_everywhere

SWEEP_EVERY_SECONDS = 3600


@shared_task(name="rag.schedules.sweep_idle_blobs")
def sweep_idle_blobs() -> None:
    """Once an hour: sweep bytes that nothing points to."""
    sweep_everywhere()


TIMETABLE = {
    "rag: sweep idle blobs": {"task": "rag.schedules.sweep_idle_blobs", "schedule": float(SWEEP_EVERY_SECONDS)},
}
