# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Moves the data keys of an organization from its retired keys to the one in use. No value is opened for it.

A batch is one transaction: its versions are held, their data keys wrapped anew, and written together with the number of
the key they now stand under. So it may be killed at any point and started again, and two at once take different rows.
"""

import logging
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.sealing import SealBroken
from vault.adapters.keys.rows import open_row
from vault.crypto.envelope import Envelope, OrganizationKey, Place, rewrap
from vault.models import SecretVersion, VaultKey

logger = logging.getLogger(__name__)

BATCH = 1000
MOST_BATCHES = 200
"""After so many a task makes way for others, and another one goes on."""

_BEGINNING = UUID(int=0)

# In the order in which shredding takes them, so that neither waits for the other.
_HOLD_KEYS = """
select id, retired_at is null from vault_vaultkey where id = any(%s) and shredded_at is null order by number for share
"""
_TAKE = """
select id, secret_id, number, wrapped_key from vault_secretversion
where organization_id = %s and vault_key_id = %s and id > %s order by id limit %s for update skip locked
"""
_WRITE = """
update vault_secretversion v set vault_key_id = %s, wrapped_key = n.wrapped_key
from unnest(%s::uuid[], %s::bytea[]) as n(id, wrapped_key) where v.id = n.id and v.vault_key_id = %s
"""


class _Open(NamedTuple):
    row_id: UUID
    key: OrganizationKey


class _Batch(NamedTuple):
    """What came of one: the last version it looked at, and how many it moved."""

    last: UUID
    moved: int


class _Version(NamedTuple):
    id: UUID
    secret_id: UUID
    number: int
    wrapped_key: bytes


def rewrap_versions(organization_id: UUID, *, most_batches: int = MOST_BATCHES) -> bool:
    """Move everything under retired keys, then empty those; False where there is more to do than was to be done now.

    Raises KeyUnavailable, MasterUnknown. A version that does not open, or is held by somebody else, is left for the
    next time.
    """
    left = most_batches
    for row in _retired(organization_id):
        old = _opened(row)
        moved = 1 if old else 0
        while old is not None and moved and left > 0:
            done, moved = _pass(old, organization_id, most_batches=left)
            left -= done
        if moved and left <= 0:
            return False
        _empty(row)
    return True


def _pass(old: _Open, organization_id: UUID, *, most_batches: int) -> tuple[int, int]:
    """Go once through what stands under a key; return how many batches that took, and how many versions it moved."""
    after, moved, target = _BEGINNING, 0, _in_use(organization_id)
    for done in range(1, most_batches + 1):
        batch = _move_batch(old, target, after=after) if target else None
        if batch is None:
            # The key in use was retired, or everything shredded, while this went on.
            target = _in_use(organization_id)
            if target is None:
                return done, 0
            continue
        if batch.last == after:
            return done, moved
        after, moved = batch.last, moved + batch.moved
    return most_batches, moved


def _move_batch(old: _Open, new: _Open, *, after: UUID) -> _Batch | None:
    """Move the next versions; None where the new key is not in use any more."""
    with tenant(old.key.organization), connection.cursor() as cursor:
        cursor.execute(_HOLD_KEYS, [[old.row_id, new.row_id]])
        is_in_use = dict(cursor.fetchall())
        if old.row_id not in is_in_use:
            # Shredded since it was opened here: nothing that stands under it may be saved.
            return _Batch(after, 0)
        if not is_in_use.get(new.row_id):
            return None
        cursor.execute(_TAKE, [old.key.organization, old.row_id, after, BATCH])
        versions = [_Version(*row) for row in cursor.fetchall()]
        moved = {version.id: wrapped for version, wrapped in _wrapped_anew(versions, old.key, new.key)}
        if moved:
            cursor.execute(_WRITE, [new.row_id, list(moved), list(moved.values()), old.row_id])
        return _Batch(versions[-1].id if versions else after, len(moved))


def _wrapped_anew(
    versions: Iterable[_Version], old: OrganizationKey, new: OrganizationKey
) -> Iterable[tuple[_Version, bytes]]:
    for version in versions:
        place = Place(old.organization, version.secret_id, version.number)
        try:
            envelope = Envelope(old.version, bytes(version.wrapped_key), b"")
            yield version, rewrap(old, new, envelope, place=place).wrapped_key
        except SealBroken:
            logger.error("The data key of version %s of secret %s does not open.", version.number, version.secret_id)


def _retired(organization_id: UUID) -> list[VaultKey]:
    with tenant(organization_id):
        rows = VaultKey.objects.for_organization(organization_id)
        return list(rows.filter(retired_at__isnull=False).exclude(wrapped=b"").order_by("number"))


def _in_use(organization_id: UUID) -> _Open | None:
    with tenant(organization_id):
        rows = VaultKey.objects.for_organization(organization_id)
        row = rows.filter(retired_at=None, shredded_at=None).first()
    return _Open(row.pk, open_row(row)) if row else None


def _opened(row: VaultKey) -> _Open | None:
    try:
        return _Open(row.pk, open_row(row))
    except SealBroken:
        logger.error(
            "Key %s of organization %s does not open; what is under it stays.", row.number, row.organization_id
        )
        return None


def _empty(row: VaultKey) -> None:
    """Empty a retired key under which nothing stands: whoever seals holds a key in use, so nothing can come now."""
    with tenant(row.organization_id):
        keys = VaultKey.objects.for_organization(row.organization_id).filter(pk=row.pk)
        held = keys.select_for_update().filter(retired_at__isnull=False, shredded_at=None).exclude(wrapped=b"")
        is_under = SecretVersion.objects.for_organization(row.organization_id).filter(vault_key_id=row.pk)
        if held.exists() and not is_under.exists():
            keys.update(wrapped=b"", emptied_at=clock.now())
