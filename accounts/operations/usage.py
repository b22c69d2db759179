# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Metering: what something cost."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.actor import Actor
from accounts.models import UsageRecord
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue


def record_usage(
    actor: Actor,
    kind: str,
    *,
    quantity: int,
    unit: str,
    cost_usd: Decimal = Decimal(0),
    run_id: UUID | None = None,
    project_id: UUID | None = None,
    **details: JsonValue,
) -> UsageRecord:
    """Write one metered thing. Must run inside the actor's organization."""
    return UsageRecord.objects.create(
        organization_id=actor.organization_id,
        person_id=actor.person_id,
        project_id=project_id,
        run_id=run_id,
        kind=kind,
        quantity=quantity,
        unit=unit,
        cost_usd=cost_usd,
        details=details,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """One metered thing, to be written with others."""

    kind: str
    quantity: int
    unit: str
    cost_usd: Decimal = Decimal(0)
    person_id: UUID | None = None
    project_id: UUID | None = None
    run_id: UUID | None = None
    details: JsonObject = field(default_factory=dict)


_ALL_USAGE = """
insert into accounts_usagerecord
    (id, organization_id, created_at, person_id, project_id, run_id, kind, quantity, unit, cost_usd, details)
select id, %s, %s, person_id, project_id, run_id, kind, quantity, unit, cost_usd, details
from unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::numeric[],
    %s::jsonb[]) as t(id, person_id, project_id, run_id, kind, quantity, unit, cost_usd, details)
"""


def record_all_usage(organization_id: UUID, things: Iterable[Metered]) -> None:
    """Write many metered things of one organization at once. Must run inside of it."""
    rows = [
        (
            *(new_id(), thing.person_id, thing.project_id, thing.run_id, thing.kind, thing.quantity, thing.unit),
            *(thing.cost_usd, json.dumps(thing.details)),
        )
        for thing in things
    ]
    # Plainly: every run that ends comes through here.
    with connection.cursor() as cursor:
        cursor.execute(
            _ALL_USAGE, [organization_id, clock.now(), *(list(column) for column in zip(*rows, strict=True))]
        )
