# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Shredding: the keys of an organization are destroyed, and with them every value that stands under them. For good.

It cannot be taken back, so it is a person's deed or the operator's, said twice. Who puts a secret afterwards starts
with a new key. What was read before is not in anybody's reach from here.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import insist_in_organization, insist_person
from accounts.queries.organizations import access_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from vault.errors import NothingToShred, ShreddingUnconfirmed
from vault.models import SecretVersion, VaultKey
from vault.operations.refusals import auditing_refusals


class Shredded(NamedTuple):
    """What was shredded, and when the last backup that could bring it back is gone."""

    keys: int
    versions: int
    shredded_at: datetime
    final_at: datetime


def shred_vault(actor: Actor, *, confirm: str) -> Shredded:
    """Destroy the keys of the actor's organization; ``confirm`` is its short name.

    Raises NotAllowed for anybody but an admin who is signed in, ShreddingUnconfirmed, NothingToShred.
    """
    with auditing_refusals(actor, "shred", key=""):
        insist_person(actor)
        return _shred(actor, confirm=confirm)


def shred_vault_as_operator(actor: Actor, *, confirm: str) -> Shredded:
    """Do the same for who runs the installation. Raises ShreddingUnconfirmed, NothingToShred."""
    return _shred(actor, confirm=confirm)


@in_organization
def _shred(actor: Actor, *, confirm: str) -> Shredded:
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    organization = access_organization(actor)
    if confirm != organization.slug:
        raise ShreddingUnconfirmed(slug=organization.slug)
    now = clock.now()
    keys = VaultKey.objects.for_organization(actor.organization_id).exclude(wrapped=b"")
    held: dict[UUID, int] = {}
    # Whoever seals or moves something under one of them now is waited for; what rotating made while this waited is
    # found the next time round.
    while found := {
        row.pk: row.number for row in keys.exclude(pk__in=list(held)).select_for_update().order_by("number")
    }:
        held |= found
    if not held:
        raise NothingToShred
    versions = SecretVersion.objects.for_organization(actor.organization_id).filter(vault_key_id__in=held).count()
    keys.filter(pk__in=held).update(wrapped=b"", shredded_at=now)
    shredded = Shredded(len(held), versions, now, now + timedelta(days=settings.BACKUP_DAYS))
    record_event(
        actor,
        "vault.shredded",
        about=organization,
        keys=sorted(held.values()),
        versions=versions,
        final_at=shredded.final_at.isoformat(),
    )
    return shredded
