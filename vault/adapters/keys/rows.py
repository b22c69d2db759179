# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Rows of organization keys, opened and closed by the keeper of the master key. It may stand beyond the network."""

from uuid import UUID

from codexos.kernel.sealing import new_key
from vault.adapters.keys.chosen import key_provider
from vault.crypto.envelope import OrganizationKey, about_organization_key
from vault.crypto.ports import WrappedKey
from vault.models import VaultKey

_HERE = ("local:", "hybrid:")


def open_row(row: VaultKey) -> OrganizationKey:
    """Return the key in a row. Raises KeyUnavailable, MasterUnknown, SealBroken."""
    about = about_organization_key(row.organization_id, row.number)
    opened = key_provider().unwrap(WrappedKey(row.master, bytes(row.wrapped)), associated=about)
    return OrganizationKey(row.organization_id, row.number, opened)


def new_row(organization_id: UUID, *, number: int) -> VaultKey:
    """Return a fresh key, wrapped, as a row that is not written yet. Raises KeyUnavailable."""
    wrapped = key_provider().wrap(new_key(), associated=about_organization_key(organization_id, number))
    return VaultKey(organization_id=organization_id, number=number, master=wrapped.master, wrapped=wrapped.data)


def wrap_under_present_master(row: VaultKey) -> WrappedKey:
    """Return the key in a row, wrapped anew. Raises KeyUnavailable, MasterUnknown, SealBroken."""
    about = about_organization_key(row.organization_id, row.number)
    return key_provider().wrap(open_row(row).key, associated=about)


def holds_here(master: str) -> bool:
    """Tell whether a master of this name never leaves the installation: nothing is asked outside to open with it."""
    return master.startswith(_HERE)


def present_master() -> str:
    """Return the name of the master that wraps now."""
    return key_provider().master
