# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries ids down to the workers of llm."""

from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError

from llm.workers.mail import mail_budget_alert
from llm.workers.purging import purge, purge_batched

_MAY_PASS = (OSError, OperationalError, InterfaceError)


@shared_task(name="llm.tasks.send_budget_alert", autoretry_for=_MAY_PASS, retry_backoff=True, max_retries=10)
def send_budget_alert(organization_id: str, span_id: str, percent: int) -> None:
    """Write to those who answer for a budget that so much of it is spent."""
    mail_budget_alert(UUID(organization_id), UUID(span_id), percent=percent)


@shared_task(name="llm.tasks.purge_embeddings")
def purge_embeddings(organization_id: str) -> None:
    """Let go of the vectors that nobody in an organization wants any more, and of old batches."""
    purge(UUID(organization_id))
    purge_batched(UUID(organization_id))
