# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in accounts: each organization with something to do gets a message of its own."""

from collections.abc import Iterable
from uuid import UUID

from celery import Task, shared_task
from celery.schedules import crontab

from accounts import tasks
from accounts.queries.lookups import (
    list_organization_ids,
    list_organizations_with_unsealed_audit,
    list_organizations_with_unsent_events,
    list_organizations_with_unsigned_audit,
)

# Ticks that nobody could take in time are dropped: the next one finds the same work.
TIMETABLE = {
    "accounts: seal the audit trail": {
        "task": "accounts.schedules.seal_audit_trails",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "accounts: deliver what got stuck": {
        "task": "accounts.schedules.sweep_outbox",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "accounts: sign the audit trail": {
        "task": "accounts.schedules.sign_audit_trails",
        "schedule": crontab(minute="0"),
    },
    "accounts: forget delivered news": {
        "task": "accounts.schedules.prune_outbox",
        "schedule": crontab(hour="3", minute="17"),
    },
    "accounts: forget kept answers": {
        "task": "accounts.schedules.forget_answers",
        "schedule": crontab(minute="23"),
    },
}


@shared_task(name="accounts.schedules.seal_audit_trails")
def seal_audit_trails() -> None:
    """Every second: link new audit events into the chain of their organization."""
    _in_each(list_organizations_with_unsealed_audit(), tasks.seal_audit)


@shared_task(name="accounts.schedules.sweep_outbox")
def sweep_outbox() -> None:
    """Every ten seconds: deliver events whose message was lost, or whose next attempt is due."""
    _in_each(list_organizations_with_unsent_events(), tasks.deliver_outbox)


@shared_task(name="accounts.schedules.sign_audit_trails")
def sign_audit_trails() -> None:
    """Every hour: sign how far each chain has come."""
    _in_each(list_organizations_with_unsigned_audit(), tasks.sign_audit)


@shared_task(name="accounts.schedules.forget_answers")
def forget_answers() -> None:
    """Every hour: delete answers to repeated writes that nobody may ask for any more."""
    _in_each(list_organization_ids(), tasks.forget_answers)


@shared_task(name="accounts.schedules.prune_outbox")
def prune_outbox() -> None:
    """Every night: delete events that were delivered a week ago."""
    _in_each(list_organization_ids(), tasks.prune_outbox)


def _in_each(organization_ids: Iterable[UUID], task: "Task[..., None]") -> None:
    for organization_id in organization_ids:
        task.delay(str(organization_id))
