# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries word of new runs down to the flow workers."""

from celery import shared_task

from agents.workers.bell import ring


@shared_task(name="agents.tasks.wake_flow_workers", expires=30, acks_late=False)
def wake_flow_workers() -> None:
    """Let the flow worker of this Celery node look for runs now."""
    ring()
