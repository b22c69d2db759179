# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Writing the audit trail: in the transaction of the change, so that neither stands without the other."""

from typing import Protocol

from accounts.actor import Actor
from accounts.models import AuditEvent
from codexos.kernel.context import client_address, request_id
from codexos.kernel.jsontypes import JsonValue


class _Described(Protocol):
    pk: object


def record_event(actor: Actor, action: str, *, about: _Described | None = None, **details: JsonValue) -> AuditEvent:
    """Write who did what to which thing. Must run inside the transaction of the change."""
    return AuditEvent.objects.create(
        organization_id=actor.organization_id,
        actor_kind=actor.kind,
        actor_id=actor.person_id,
        actor_label=actor.label,
        token_id=actor.token_id,
        break_glass_id=actor.break_glass_id,
        action=action,
        about_kind=type(about).__name__.lower() if about else "",
        about_id=str(about.pk) if about else "",
        about_label=str(about)[:254] if about else "",
        details=details,
        request_id=request_id.get(),
        address=client_address.get(),
    )
