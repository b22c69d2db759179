# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in vault."""

from celery import shared_task
from celery.schedules import crontab

from vault.operations.key_rotation import go_on_rewrapping, rotate_old_keys
from vault.operations.rotation import attend_due_secrets

TIMETABLE = {
    "vault: attend to secrets": {
        "task": "vault.schedules.attend_secrets",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "vault: rotate old keys": {"task": "vault.schedules.rotate_keys", "schedule": crontab(minute="17")},
    "vault: go on rewrapping": {"task": "vault.schedules.rewrap", "schedule": crontab(minute="*/10")},
}


@shared_task(name="vault.schedules.attend_secrets")
def attend_secrets() -> None:
    """Every minute: give new values, remind, and let go of what was destroyed long enough ago."""
    attend_due_secrets()


@shared_task(name="vault.schedules.rotate_keys")
def rotate_keys() -> None:
    """Once an hour: rotate the keys that are older than CODEXOS_VAULT_ROTATE_DAYS."""
    rotate_old_keys()


@shared_task(name="vault.schedules.rewrap")
def rewrap() -> None:
    """Every ten minutes: go on where something may still stand under a retired key."""
    go_on_rewrapping()
