# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in llm."""

from celery import shared_task
from celery.schedules import crontab

from llm.operations.embeddings import purge_everywhere

TIMETABLE = {
    "llm: purge old embeddings": {
        "task": "llm.schedules.purge_old_embeddings",
        "schedule": crontab(hour="3", minute="27"),
    },
}


@shared_task(name="llm.schedules.purge_old_embeddings")
def purge_old_embeddings() -> None:
    """Once a night: let go of vectors that nobody wants any more."""
    purge_everywhere()
