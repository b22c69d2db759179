# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries word of new runs down to the flow workers, and of what they ask down to who writes to people."""

from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError

from agents.workers import asking
from agents.workers.bell import ring


@shared_task(name="agents.tasks.wake_flow_workers", expires=30, acks_late=False)
def wake_flow_workers() -> None:
    """Let the flow worker of this Celery node look for runs now."""
    ring()


@shared_task(
    name=asking.MAIL_QUESTIONS,
    autoretry_for=(OSError, OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=5,
)
def mail_questions(organization_id: str, run_id: str) -> None:
    """Write to those whom a run asks something."""
    asking.mail_questions(UUID(organization_id), UUID(run_id))
