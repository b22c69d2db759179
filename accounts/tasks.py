# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries ids down to the workers of accounts."""

import logging
from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError

from accounts.workers import audit, break_glass, idempotency, outbox
from accounts.workers.mail import mail_invitation

logger = logging.getLogger(__name__)

# A mail server or a database that is away comes back; nobody would send these letters again.
_MAY_PASS = (OSError, OperationalError, InterfaceError)


@shared_task(name="accounts.tasks.deliver_outbox")
def deliver_outbox(*organization_ids: str) -> None:
    """Deliver what the outboxes of some organizations hold; one that cannot be read holds up none behind it."""
    for organization_id in organization_ids:
        try:
            outbox.deliver(UUID(organization_id))
        except Exception:
            logger.exception("the outbox of %s could not be read; the sweep tries it again", organization_id)


@shared_task(name="accounts.tasks.seal_audit")
def seal_audit(organization_id: str) -> None:
    """Link the new audit events of one organization into its chain."""
    audit.seal_events(UUID(organization_id))


@shared_task(name="accounts.tasks.sign_audit")
def sign_audit(organization_id: str) -> None:
    """Sign how far the audit chain of one organization has come."""
    audit.sign_checkpoint(UUID(organization_id))


@shared_task(name="accounts.tasks.prune_outbox")
def prune_outbox(organization_id: str) -> None:
    """Delete the long delivered events of one organization."""
    outbox.prune(UUID(organization_id))


@shared_task(name="accounts.tasks.forget_answers")
def forget_answers(organization_id: str) -> None:
    """Delete what one organization no longer needs for repeated writes."""
    idempotency.forget_answers(UUID(organization_id))


@shared_task(name="accounts.tasks.tell_of_break_glass", autoretry_for=_MAY_PASS, retry_backoff=True, max_retries=10)
def tell_of_break_glass(organization_id: str, break_glass_id: str) -> None:
    """Write to the admins of an organization that a system admin has entered it."""
    break_glass.tell_admins(UUID(organization_id), break_glass_id=UUID(break_glass_id))


@shared_task(name="accounts.tasks.send_invitation", autoretry_for=_MAY_PASS, retry_backoff=True, max_retries=10)
def send_invitation(organization_id: str, invitation_id: str) -> None:
    """Mail an invitation; the link is made where the mail is written and never stands in the queue."""
    mail_invitation(UUID(organization_id), UUID(invitation_id))
