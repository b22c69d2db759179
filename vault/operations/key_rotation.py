# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rotating the keys of organizations, and wrapping them anew where the master has changed. No value is opened."""

import logging
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.operations.audit import record_event
from accounts.queries.access import insist_in_organization
from accounts.roles import Permission
from accounts.tenancy import in_organization, tenant
from codexos.kernel import clock
from codexos.kernel.errors import CodexosError
from codexos.kernel.sealing import SealBroken
from vault.adapters.keys.rows import new_row, present_master, wrap_under_present_master
from vault.errors import KeysJustChanged
from vault.models import VaultKey
from vault.operations.keys import latest_number
from vault.operations.operators import operator_of
from vault.operations.refusals import auditing_refusals
from vault.queries.lookups import list_organizations_with_keys_from_before, list_organizations_with_retired_keys
from vault.tasks import rewrap_versions

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 200
"""How many organizations' keys one tick of the clock rotates; the rest have their turn at the next ones."""


class Wrapped(NamedTuple):
    """What came of wrapping the keys of one organization under the present master."""

    anew: int
    broken: int


def rotate_organization_key(actor: Actor) -> VaultKey:
    """Retire the key in use and make the next one, under which everything is moved in the background.

    Raises NotAllowed, KeyUnavailable, KeysJustChanged where somebody else did the same at the same moment.
    """
    with auditing_refusals(actor, "rotate key", key=""):
        insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
        fresh = new_row(actor.organization_id, number=latest_number(actor.organization_id) + 1)
        return _replace_key_in_use(actor, fresh)


@in_organization
def _replace_key_in_use(actor: Actor, fresh: VaultKey) -> VaultKey:
    in_use = VaultKey.objects.for_organization(actor.organization_id).filter(retired_at=None, shredded_at=None)
    # Whoever seals under it now is waited for, so that nothing comes under it any more once it is retired.
    retired = [row.number for row in in_use.select_for_update(of=("self",))]
    in_use.update(retired_at=clock.now())
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        raise KeysJustChanged from None
    record_event(actor, "vault.key_rotated", about=fresh, number=fresh.number, retired=retired, master=fresh.master)
    transaction.on_commit(partial(rewrap_versions.delay, str(actor.organization_id)))
    return fresh


def rotate_old_keys() -> int:
    """Rotate the keys that are older than they may be; return how many. Raises nothing: the next tick tries again."""
    if not settings.VAULT_ROTATE_DAYS:
        return 0
    rotated = 0
    before = clock.now() - timedelta(days=settings.VAULT_ROTATE_DAYS)
    for organization_id in list_organizations_with_keys_from_before(before)[:MOST_AT_ONCE]:
        try:
            rotate_organization_key(operator_of(organization_id, label="the timetable of the vault"))
            rotated += 1
        except CodexosError as error:
            logger.warning("The key of organization %s was not rotated: %s", organization_id, error)
    return rotated


def go_on_rewrapping() -> None:
    """Start again wherever something may still stand under a retired key."""
    for organization_id in list_organizations_with_retired_keys():
        rewrap_versions.delay(str(organization_id))


def rewrap_under_present_master(organization_id: UUID) -> Wrapped:
    """Wrap every key of an organization under the master that the settings name now; a killed one goes on.

    Raises KeyUnavailable, MasterUnknown. A key that does not open is left as it is and counted.
    """
    anew = broken = 0
    master = present_master()
    with tenant(organization_id):
        rows = VaultKey.objects.for_organization(organization_id).exclude(wrapped=b"").exclude(master=master)
        old = list(rows.order_by("number"))
    for row in old:
        try:
            anew += _rewrap_key(operator_of(organization_id), row)
        except SealBroken:
            broken += 1
    return Wrapped(anew, broken)


def _rewrap_key(actor: Actor, row: VaultKey) -> bool:
    wrapped = wrap_under_present_master(row)
    with tenant(actor.organization_id):
        # Only what was opened is written over: it may have been shredded or moved meanwhile.
        same = VaultKey.objects.for_organization(actor.organization_id).filter(pk=row.pk, wrapped=bytes(row.wrapped))
        if not same.update(master=wrapped.master, wrapped=wrapped.data):
            return False
        before, row.master = row.master, wrapped.master
        record_event(actor, "vault.key_rewrapped", about=row, number=row.number, before=before, master=row.master)
        return True
