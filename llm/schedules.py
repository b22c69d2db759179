# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in llm."""

from celery import shared_task

from llm.operations.sweeping import sweep_costs

TIMETABLE = {
    "llm: sweep costs": {"task": "llm.schedules.sweep", "schedule": 60.0, "options": {"expires": 60}},
}


@shared_task(name="llm.schedules.sweep")
def sweep() -> None:
    """Every minute: settle what workers that died held, count what came late, let go of what is kept for too long."""
    sweep_costs()
