# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Waking the flow workers: a run was accepted, or there is post for one."""

from uuid import UUID

from django.db import connection
from django.db.transaction import on_commit

from agents.tasks import wake_flow_workers
from agents.workers.bell import WAKE_CHANNEL


def wake_workers(*run_ids: UUID) -> None:
    """Let the flow workers look when this transaction has committed; ``run_ids`` names runs that have post."""
    with connection.cursor() as cursor:
        # Sent with the commit; the Celery task reaches workers whose direct connection is down.
        for named in run_ids or ("",):
            cursor.execute("select pg_notify(%s, %s)", [WAKE_CHANNEL, str(named)])
    # Robust: what was asked for is durable by now, and a worker that nobody wakes looks by itself.
    on_commit(wake_flow_workers.delay, robust=True)
