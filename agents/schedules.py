# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in agents."""

from celery import shared_task
from celery.schedules import crontab

from agents.operations.firing import fire_due_triggers, forget_firings
from agents.operations.memory import forget_expired_memory

# A tick that nobody could take in time is dropped: the next one finds the same triggers due.
TIMETABLE = {
    "agents: fire due triggers": {
        "task": "agents.schedules.fire_triggers",
        "schedule": 2.0,
        "options": {"expires": 4},
    },
    "agents: forget old firings": {
        "task": "agents.schedules.forget_old_firings",
        "schedule": crontab(hour="3", minute="47"),
    },
    "agents: forget expired memory": {
        "task": "agents.schedules.forget_memory",
        "schedule": crontab(minute="23"),
    },
}


@shared_task(name="agents.schedules.fire_triggers")
def fire_triggers() -> None:
    """Every two seconds: start the runs that are due."""
    fire_due_triggers()


@shared_task(name="agents.schedules.forget_old_firings")
def forget_old_firings() -> None:
    """Every night: delete what is kept of firings of three months ago."""
    forget_firings()


@shared_task(name="agents.schedules.forget_memory")
def forget_memory() -> None:
    """Every hour: delete what agents kept whose time is up; nobody has read it since."""
    forget_expired_memory()
