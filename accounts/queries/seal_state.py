# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How far the audit chain of the actor's organization has come; checking it whole is ``verify_chain``."""

from dataclasses import dataclass
from datetime import datetime

from accounts.actor import Actor
from accounts.models import AuditCheckpoint, AuditHead, AuditSeal, UnsealedAudit
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization


@dataclass(frozen=True, slots=True)
class SealState:
    """How many events are sealed, when the newest of them happened, how many wait, what was signed last."""

    sealed: int
    sealed_until: datetime | None
    waiting: int
    signed_at: datetime | None


@in_organization
def access_seal_state(actor: Actor) -> SealState:
    """Return the state of the chain. Raises NotAllowed."""
    insist_in_organization(actor, Permission.VIEW_AUDIT)
    organization_id = actor.organization_id
    head = AuditHead.objects.for_organization(organization_id).first()
    newest = AuditSeal.objects.for_organization(organization_id).select_related("event").order_by("-seq").first()
    signed = AuditCheckpoint.objects.for_organization(organization_id).order_by("-seq").first()
    return SealState(
        sealed=head.seq if head else 0,
        sealed_until=newest.event.created_at if newest else None,
        waiting=UnsealedAudit.objects.for_organization(organization_id).count(),
        signed_at=signed.signed_at if signed else None,
    )
