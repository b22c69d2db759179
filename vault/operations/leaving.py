# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What becomes of a person's secrets when they leave an organization."""

from datetime import timedelta

from django.conf import settings

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.events import DomainEvent, MemberLeft
from vault.models import Secret, SecretScope, SecretShare, TagRule


def put_away_personal(event: DomainEvent) -> None:
    """Destroy the personal secrets of who has left; end what was shared with them, and the rules about them.

    Twice is harmless. Until they are gone for good, the person finds them again by joining anew.
    """
    if not isinstance(event, MemberLeft):
        return
    now = clock.now()
    with tenant(event.organization_id):
        for model in (SecretShare, TagRule):
            # What came later was said of somebody who is back.
            rows = model.objects.for_organization(event.organization_id).filter(created_at__lte=event.at)
            rows.filter(person_id=event.person_id).delete()
        personal = Secret.objects.for_organization(event.organization_id).filter(
            scope=SecretScope.PERSONAL, person_id=event.person_id, destroyed_at=None
        )
        gone_at = now + timedelta(days=settings.VAULT_RESTORE_DAYS)
        personal.update(destroyed_at=now, destroyed_by="left the organization", gone_at=gone_at)
