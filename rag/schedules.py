# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in rag."""

from uuid import UUID

from celery import shared_task
from celery.schedules import crontab

from codexos.kernel import clock
from rag.operations.attending import attend_knowledge
from rag.operations.knowledge_tests import run_knowledge_test
from rag.operations.sweeping import sweep_everywhere
from rag.queries.golden import list_tests_due

TIMETABLE = {
    "rag: sweep idle blobs": {"task": "rag.schedules.sweep_idle_blobs", "schedule": crontab(minute="43")},
    # A tick that nobody could take in time is dropped: the next one finds the same due.
    "rag: attend to knowledge": {
        "task": "rag.schedules.attend_to_knowledge",
        "schedule": 10.0,
        "options": {"expires": 20},
    },
    "rag: run knowledge tests": {
        "task": "rag.schedules.run_knowledge_tests",
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


@shared_task(name="rag.schedules.run_knowledge_tests")
def run_knowledge_tests() -> None:
    """Every ten seconds: have the tests run that nobody runs, each by whichever worker is free."""
    for due in list_tests_due(clock.now()):
        run_one_knowledge_test.delay(str(due.organization_id), str(due.id))


@shared_task(name="rag.schedules.run_one_knowledge_test")
def run_one_knowledge_test(organization_id: str, test_id: str) -> None:
    """Ask the golden questions of one test."""
    run_knowledge_test(UUID(organization_id), UUID(test_id))
