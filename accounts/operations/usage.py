# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Metering: what something cost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from accounts.actor import Actor
from accounts.models import UsageRecord
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


def record_all_usage(organization_id: UUID, things: Iterable[Metered]) -> None:
    """Write many metered things of one organization at once. Must run inside of it."""
    UsageRecord.objects.bulk_create(
        UsageRecord(
            organization_id=organization_id,
            person_id=thing.person_id,
            project_id=thing.project_id,
            run_id=thing.run_id,
            kind=thing.kind,
            quantity=thing.quantity,
            unit=thing.unit,
            cost_usd=thing.cost_usd,
            details=thing.details,
        )
        for thing in things
    )
