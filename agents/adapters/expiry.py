# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Lets the content of runs go that ended long enough ago. It takes the owner's connection: the app may not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from rag.operations.keeping import let_go

MOST_AT_ONCE = 500

_EXPIRED = """
from agents_run where content_days = %(days)s and content_expired_at is null and id < %(before)s
    and completed_at <= %(ended_before)s and settled_at is not null
"""
_PICK = f"select id {_EXPIRED} order by id limit {MOST_AT_ONCE} for update skip locked"
_COUNT = f"select count(*) {_EXPIRED}"

# What is left of the journal: each step of the flow itself with its last state, when it began and how long it took.
_EXPIRE = """
with told as (
    select run_id, node_id, min(at) as began, max(at) as ended, (array_agg(type order by seq desc))[1] as last
    from agents_journalentry
    where content_days = %(days)s and run_id = any(%(ids)s) and strpos(node_id, '/') = 0 and type <> 'note'
    group by run_id, node_id
), steps as (
    select run_id, jsonb_agg(jsonb_build_object(
        'node_id', node_id,
        'state', case last when 'step.done' then 'succeeded' when 'step.failed' then 'failed' else 'skipped' end,
        'started_at', began,
        'duration_seconds', round(extract(epoch from ended - began), 3)
    ) order by began, node_id) as told
    from told group by run_id
)
update agents_run r set content_expired_at = %(now)s, skeleton = coalesce(s.told, '[]'),
    document = '{}', input = 'null', context = '[]', origin = origin - 'changes'
from unnest(%(ids)s) as over(id) left join steps s on s.run_id = over.id
where r.id = over.id
"""
_FORGET_POST = "delete from agents_inboxmessage where run_id = any(%(ids)s)"
_FORGET_FILES = "delete from agents_workspacesnapshot where run_id = any(%(ids)s)"
_FORGET_USES = "delete from agents_blobuse where run_id = any(%(ids)s)"
# One that is just being written again is locked by that, and then no longer idle.
_SWEEP = """
delete from agents_blob b where used_at < now() - interval '1 day' and not exists
    (select from agents_blobuse u where u.organization_id = b.organization_id and u.sha256 = b.sha256)
"""


def count_expired(connection: psycopg.Connection[Any], *, days: int, before: UUID, ended_before: datetime) -> int:
    """Return of how many runs the content has expired and still stands."""
    row = connection.execute(_COUNT, {"days": days, "before": before, "ended_before": ended_before}).fetchone()
    return int(row[0]) if row else 0


def pick_expired(
    connection: psycopg.Connection[Any], *, days: int, before: UUID, ended_before: datetime
) -> Sequence[UUID]:
    """Return some runs whose content has expired, and lock them until the transaction ends."""
    rows = connection.execute(_PICK, {"days": days, "before": before, "ended_before": ended_before})
    return [row[0] for row in rows]


def expire(connection: psycopg.Connection[Any], run_ids: Sequence[UUID], *, days: int, now: datetime) -> None:
    """Leave of these runs their rows, with their steps in short."""
    given = {"days": days, "ids": list(run_ids), "now": now}
    # Written into the statement, so that the planner sees which partitions it has to ask.
    psycopg.ClientCursor(connection).execute(_EXPIRE, given)
    connection.execute(_FORGET_POST, given)
    connection.execute(_FORGET_USES, given)
    connection.execute(_FORGET_FILES, given)
    let_go(connection, run_ids)


def sweep_blobs(connection: psycopg.Connection[Any]) -> int:
    """Delete large values that no run's journal refers to; return how many."""
    return connection.execute(_SWEEP).rowcount
