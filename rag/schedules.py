# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in rag."""

from celery import shared_task
from celery.schedules import crontab

from rag.operations.attending import attend_knowledge
from rag.operations.sweeping import sweep_everywhere

TIMETABLE = {
    "rag: sweep idle blobs": {"task": "rag.schedules.sweep_idle_blobs", "schedule": crontab(minute="43")},
    # A tick that nobody could take in time is dropped: the next one finds the same due.
    "rag: attend to knowledge": {
        "task": "rag.schedules.attend_to_knowledge",
        "schedule": 10.0,
        "options": {"expires": 20},
    },
}


@shared_task(name="rag.schedules.sweep_idle_blobs")
def sweep_idle_blobs() -> None:
    """Once an hour: sweep bytes that nothing points to."""
    sweep_everywhere()


@shared_task(name="rag.schedules.attend_to_knowledge")
def attend_to_knowledge() -> None:
    """Every ten seconds: take up ingestions whose worker died, and read sources that are due."""
    attend_knowledge()
