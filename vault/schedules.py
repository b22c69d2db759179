# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the clock starts in vault."""

from celery import shared_task

from vault.operations.rotation import attend_due_secrets

TIMETABLE = {
    "vault: attend to secrets": {
        "task": "vault.schedules.attend_secrets",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}


@shared_task(name="vault.schedules.attend_secrets")
def attend_secrets() -> None:
    """Every minute: give new values, remind, and let go of what was destroyed long enough ago."""
    attend_due_secrets()
