# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The keys of organizations: made when first needed, opened by whoever keeps the master key.

Asking the keeper may take the network, so nothing here does it inside of a transaction.
"""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.tenancy import tenant
from codexos.kernel.sealing import new_key
from vault.crypto.envelope import OrganizationKey, about_organization_key
from vault.crypto.keyring import Keyring
from vault.crypto.ports import KeyProvider, WrappedKey
from vault.errors import VaultShredded
from vault.models import VaultKey


def key_provider() -> KeyProvider:
    """Return who keeps the master key."""
    return Keyring([settings.MASTER_KEY])


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
    if row.shredded_at:
        raise VaultShredded(key=needed_for)
    opened = key_provider().unwrap(
        WrappedKey(row.master, bytes(row.wrapped)),
        associated=about_organization_key(row.organization_id, row.number),
    )
    return OrganizationKey(row.organization_id, row.number, opened)


def hold_in_use(row_id: UUID) -> bool:
    """Keep a key from being retired or shredded until the transaction ends; False where it was already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select from vault_vaultkey where id = %s and retired_at is null and shredded_at is null for share",
            [row_id],
        )
        return cursor.fetchone() is not None


def new_row(organization_id: UUID, *, number: int) -> VaultKey:
    """Return a fresh key, wrapped, as a row that is not written yet. Raises KeyUnavailable."""
    about = about_organization_key(organization_id, number)
    wrapped = key_provider().wrap(new_key(), associated=about)
    return VaultKey(organization_id=organization_id, number=number, master=wrapped.master, wrapped=wrapped.data)


def _make(organization_id: UUID) -> VaultKey:
    with tenant(organization_id):
        rows = VaultKey.objects.for_organization(organization_id)
        latest = rows.order_by("-number").values_list("number", flat=True).first() or 0
    row = new_row(organization_id, number=latest + 1)
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
