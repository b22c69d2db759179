# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Carries ids down to the workers of vault."""

from uuid import UUID

from celery import shared_task
from django.db import InterfaceError, OperationalError

from vault.workers import rewrap
from vault.workers.mail import mail_reminder

_MAY_PASS = (OSError, OperationalError, InterfaceError)


@shared_task(name="vault.tasks.send_reminder", autoretry_for=_MAY_PASS, retry_backoff=True, max_retries=10)
def send_reminder(organization_id: str, secret_id: str, of: str) -> None:
    """Write to a secret's people that it expires, or that its next value is due."""
    mail_reminder(UUID(organization_id), UUID(secret_id), of=of)


@shared_task(name="vault.tasks.rewrap_versions")
def rewrap_versions(organization_id: str) -> None:
    """Move what stands under retired keys of one organization to the key in use; goes on in a task of its own."""
    if not rewrap.rewrap_versions(UUID(organization_id)):
        rewrap_versions.delay(organization_id)
