# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in llm."""

from celery import shared_task
from celery.schedules import crontab

from llm.operations.embeddings import purge_everywhere
from llm.operations.sweeping import sweep_costs

TIMETABLE = {
    "llm: sweep costs": {"task": "llm.schedules.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "llm: purge old embeddings": {
        "task": "llm.schedules.purge_old_embeddings",
        "schedule": crontab(hour="3", minute="27"),
    },
}


@shared_task(name="llm.schedules.sweep")
def sweep() -> None:
    """Every minute: settle what workers that died held, count what came late, let go of what is kept for too long."""
    sweep_costs()


@shared_task(name="llm.schedules.purge_old_embeddings")
def purge_old_embeddings() -> None:
    """Once a night: let go of vectors that nobody wants any more."""
    purge_everywhere()
