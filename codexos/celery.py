# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Celery: queues and the timetable. JSON only, acknowledged late, redelivered when a worker is lost."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, import_modules, worker_init, worker_process_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")
# Django's checks load every page of the product, which a node never serves: they have been made with the schema, and a
# node that was killed is back the sooner without them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("codexos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    result_backend=None,
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=10,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 600, "unacked_restore_throttle": 1},
    task_default_queue="jobs",
    task_routes={"agents.tasks.wake_flow_workers": {"queue": "flows"}},
    # A tick that ran late is not run twice to make up for it.
    beat_cron_starting_deadline=60,
)
app.autodiscover_tasks()


@import_modules.connect
def read_timetables(sender: Celery, **_: Any) -> None:
    """Put together what the clock starts: the TIMETABLE of each of our apps' schedules.py."""
    from django.apps import apps

    for config in apps.get_app_configs():
        is_ours = Path(config.path).parent == Path(__file__).resolve().parent.parent
        if is_ours and (Path(config.path) / "schedules.py").exists():
            sender.conf.beat_schedule.update(import_module(f"{config.name}.schedules").TIMETABLE)


@worker_init.connect
@beat_init.connect
def refuse_to_start(**_: Any) -> None:
    """End a node or the timetable that was not given the master keys it needs."""
    from vault.checks import insist_on_masters

    insist_on_masters()


@worker_process_shutdown.connect
def tell_the_last(**_: Any) -> None:
    """Send what a child of the job worker has yet to tell: it ends without what other processes do at their end."""
    from llm.adapters.telemetry import close_telemetry

    close_telemetry()
