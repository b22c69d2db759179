# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries ids down to the workers of accounts."""

from uuid import UUID

from celery import shared_task

from accounts.workers.audit import seal_events
from accounts.workers.outbox import deliver
from accounts.workers.mail import mail_invitation


@shared_task(name="accounts.tasks.deliver_outbox")
def deliver_outbox(organization_id: str) -> None:
    """Deliver what the outbox of one organization holds."""
    deliver(UUID(organization_id))


@shared_task(name="accounts.tasks.seal_audit")
def seal_audit(organization_id: str) -> None:
    """Link the new audit events of one organization into its chain."""
    seal_events(UUID(organization_id))


@shared_task(name="accounts.tasks.send_invitation", autoretry_for=(OSError,), retry_backoff=True, max_retries=10)
def send_invitation(organization_id: str, invitation_id: str) -> None:
    """Mail an invitation; the link is made where the mail is written and never stands in the queue."""
    mail_invitation(UUID(organization_id), UUID(invitation_id))
