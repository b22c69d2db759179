# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What becomes of a person's secrets when they leave an organization."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from accounts.operations.audit import record_event
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.events import DomainEvent, MemberLeft
from vault.models import Secret, SecretScope, SecretShare, TagRule
from vault.operations.operators import operator_of


def put_away_personal(event: DomainEvent) -> None:
    """Destroy the personal secrets of who has left; end what was shared with them, and the rules about them.

    Twice is harmless. Until they are gone for good, the person finds them again by joining anew.
    """
    if not isinstance(event, MemberLeft):
        return
    now = clock.now()
    gone_at = now + timedelta(days=settings.VAULT_RESTORE_DAYS)
    with tenant(event.organization_id):
        # What came later is of somebody who is back.
        theirs = Q(person_id=event.person_id, created_at__lte=event.at)
        personal = Secret.objects.for_organization(event.organization_id).filter(theirs, scope=SecretScope.PERSONAL)
        put_away = personal.filter(destroyed_at=None).update(
            destroyed_at=now, destroyed_by="left the organization", gone_at=gone_at
        )
        shares, _ = SecretShare.objects.for_organization(event.organization_id).filter(theirs).delete()
        rules, _ = TagRule.objects.for_organization(event.organization_id).filter(theirs).delete()
        if put_away or shares or rules:
            vault = operator_of(event.organization_id, label="the vault, as a member left")
            record_event(
                vault,
                "vault.member_left",
                person=str(event.person_id),
                put_away=put_away,
                shares=shares,
                rules=rules,
            )
