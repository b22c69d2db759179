# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Celery: queues and the timetable. JSON only, acknowledged late, redelivered when a worker is lost."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codexos.settings")

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
    beat_schedule={},
)
app.autodiscover_tasks()
