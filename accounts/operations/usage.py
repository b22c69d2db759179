# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Metering: what something cost."""

from decimal import Decimal
from uuid import UUID

from accounts.actor import Actor
from accounts.models import UsageRecord
from codexos.kernel.jsontypes import JsonValue


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
