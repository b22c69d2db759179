# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keys of organizations: made when first needed, opened by whoever keeps the master key.

Asking the keeper may take the network, so nothing here does it inside of a transaction.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from accounts.tenancy import tenant
from vault.adapters.keys.rows import holds_here, new_row, open_row, present_master
from vault.crypto.envelope import Envelope, OrganizationKey, Place, open_value
from vault.errors import VaultShredded
from vault.models import SecretVersion, VaultKey
from vault.queries.lookups import ClosedKey


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key of an organization that is open, and its row."""

    row_id: UUID
    key: OrganizationKey


def key_in_use(organization_id: UUID) -> HeldKey:
    """Return the key that new values are sealed under; makes the first one. Raises KeyUnavailable."""
    row = _row_in_use(organization_id) or _make(organization_id)
    return HeldKey(row.id, open_key(row, needed_for=""))


def open_key(row: VaultKey, *, needed_for: str) -> OrganizationKey:
    """Return the key in a row. Raises VaultShredded, KeyUnavailable, MasterUnknown, SealBroken."""
    # Asked of the row each time, before anything that may still be kept open in this process.
    if row.shredded_at or row.is_empty:
        raise VaultShredded(key=needed_for)
    return open_row(row)


def open_version(version: SecretVersion, *, key: str) -> bytes:
    """Return the value of a version of the secret called ``key``. Raises what ``open_key`` does."""
    opened = open_key(version.vault_key, needed_for=key)
    envelope = Envelope(opened.version, bytes(version.wrapped_key), bytes(version.sealed))
    return open_value(opened, envelope, place=Place(version.organization_id, version.secret_id, version.number))


def hold_in_use(row_id: UUID) -> bool:
    """Keep a key from being retired or shredded until the transaction ends; False where it was already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select from vault_vaultkey where id = %s and retired_at is null and shredded_at is null for share",
            [row_id],
        )
        return cursor.fetchone() is not None


def master_in_use() -> str:
    """Return the name of the master that the settings have keys wrapped under."""
    return present_master()


def is_held_here(master: str) -> bool:
    """Tell whether a master of this name is one that this installation keeps itself, so that nobody is asked for it."""
    return holds_here(master)


def try_key(master: str, sample: ClosedKey) -> None:
    """Open a key and forget it. Raises KeyUnavailable, MasterUnknown, SealBroken."""
    organization_id, number, wrapped = sample
    open_row(VaultKey(organization_id=organization_id, number=number, master=master, wrapped=wrapped))


def latest_number(organization_id: UUID) -> int:
    """Return the number of the newest key, 0 where there is none."""
    with tenant(organization_id):
        rows = VaultKey.objects.for_organization(organization_id)
        return rows.order_by("-number").values_list("number", flat=True).first() or 0


def _make(organization_id: UUID) -> VaultKey:
    row = new_row(organization_id, number=latest_number(organization_id) + 1)
    try:
        with tenant(organization_id), transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Somebody else's first secret came at the same moment: its key is as good.
        return _row_in_use(organization_id) or row
    return row


def _row_in_use(organization_id: UUID) -> VaultKey | None:
    with tenant(organization_id):
        rows = VaultKey.objects.for_organization(organization_id)
        return rows.filter(retired_at=None, shredded_at=None).first()
