# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Settling what has ended: what runs cost is written down, and others are told, exactly once."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.operations.outbox import deliver_events, publish_events
from accounts.operations.usage import Metered, record_all_usage
from accounts.tenancy import tenant
from agents.engine.snapshots import FIRST_AT
from agents.models import Snapshot
from agents.workers.watching import EndedRun, watch_ended
from codexos.kernel import clock
from codexos.kernel.events import RunFinished
from codexos.kernel.ids import FlowId, OrganizationId, RunId
from llm.operations.askers import Asker
from llm.operations.calls import count_calls

logger = logging.getLogger(__name__)


def settle_runs(run_ids: Mapping[UUID, Collection[UUID]]) -> None:
    """Meter finished runs, by organization, and tell the floors above, exactly once however often it is called."""
    told = []
    for organization_id, ids in run_ids.items():
        try:
            if ended := _settle_those(ids, organization_id=organization_id):
                told.append(organization_id)
                watch_ended([_watched(run, organization_id) for run in ended])
        except Exception:
            logger.exception("%s ended runs could not be settled; the sweep tries them again", len(ids))
    if told:
        _deliver(told)


def _deliver(organization_ids: Sequence[UUID]) -> None:
    try:
        deliver_events(organization_ids)
    except Exception:
        # What they are told of is durable, and swept.
        logger.warning("the news of ended runs is delayed", exc_info=True)


class _Ended(NamedTuple):
    """A run that is being settled."""

    id: UUID
    person_id: UUID
    project_id: UUID
    flow_id: UUID | None
    status: str
    last_seq: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    started_at: datetime | None
    completed_at: datetime


# Whoever comes at the same time waits for the rows, and then finds them settled: in an order, so that no two wait for
# each other.
_SETTLE = """
update agents_run r set settled_at = %(now)s
from (
    select id from agents_run
    where id = any(%(ids)s::uuid[]) and organization_id = %(organization)s and settled_at is null
        and completed_at is not null
    order by id for update
) ended
where r.id = ended.id
returning r.id, r.person_id, r.project_id, r.flow_id, r.status, r.last_seq, r.input_tokens, r.output_tokens, r.cost_usd,
    r.started_at, r.completed_at
"""


def _settle_those(run_ids: Collection[UUID], *, organization_id: UUID) -> list[_Ended]:
    with tenant(organization_id):
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE, {"now": clock.now(), "ids": list(run_ids), "organization": organization_id})
            ended = [_Ended(*row) for row in cursor.fetchall()]
        if ended:
            ended = _with_their_calls(ended, organization_id)
            record_all_usage(organization_id, [_metered(run) for run in ended])
            publish_events([_news_of(run, organization_id) for run in ended], organization_id=organization_id)
        if long := [run.id for run in ended if run.last_seq >= FIRST_AT]:
            Snapshot.objects.for_organization(organization_id).filter(run_id__in=long).delete()
        return ended


# What a run cost is what its calls cost, also those that failed: its journal knows of answers alone.
_PRICE = """
update agents_run r set cost_usd = c.cost
from unnest(%s::uuid[], %s::numeric[]) c(id, cost) where r.id = c.id and r.cost_usd <> c.cost
"""


def _with_their_calls(ended: list[_Ended], organization_id: UUID) -> list[_Ended]:
    counted = count_calls(organization_id, [run.id for run in ended])
    if not counted:
        return ended
    costs = {run_id: calls.cost_usd for run_id, calls in counted.items()}
    with connection.cursor() as cursor:
        cursor.execute(_PRICE, [list(costs), list(costs.values())])
    return [run._replace(cost_usd=costs.get(run.id, run.cost_usd)) for run in ended]


def _metered(run: _Ended) -> Metered:
    # Metering asks for nobody's permission, so it works for somebody who has left meanwhile.
    return Metered(
        kind="run.tokens",
        quantity=run.input_tokens + run.output_tokens,
        unit="tokens",
        cost_usd=run.cost_usd,
        person_id=run.person_id,
        project_id=run.project_id,
        run_id=run.id,
        details={"input_tokens": run.input_tokens, "output_tokens": run.output_tokens},
    )


def _news_of(run: _Ended, organization_id: UUID) -> RunFinished:
    return RunFinished(
        organization_id=OrganizationId(organization_id),
        run_id=RunId(run.id),
        flow_id=FlowId(run.flow_id) if run.flow_id else None,
        status=run.status,
    )


def _watched(run: _Ended, organization_id: UUID) -> EndedRun:
    asker = Asker(organization_id, project_id=run.project_id, flow_id=run.flow_id, run_id=run.id)
    return EndedRun(asker, run.status, run.started_at, run.completed_at)
