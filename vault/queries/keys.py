# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What an organization's admins see of its keys: numbers, masters, ages, and how much stands under each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db.models import Count

from accounts.actor import Actor
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock
from vault.models import SecretVersion, VaultKey


class KeyState(StrEnum):
    """What a key is good for."""

    IN_USE = "in_use"
    RETIRED = "retired"
    EMPTIED = "emptied"
    SHREDDED = "shredded"


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key of an organization, and how many versions of secrets stand under it."""

    number: int
    state: KeyState
    master: str
    versions: int
    created_at: datetime
    retired_at: datetime | None
    emptied_at: datetime | None
    shredded_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeySummary:
    """The keys of an organization in short. ``left`` versions stand under retired keys that still open them."""

    keys: int
    in_use: int | None
    left: int
    shredded: int


@dataclass(frozen=True, slots=True)
class Shredding:
    """That an organization's keys were shredded, and from when on no backup can bring back what stood under them."""

    shredded_at: datetime
    final_at: datetime
    versions: int

    @property
    def is_final(self) -> bool:
        """Whether the last backup that held the keys is gone."""
        return clock.now() >= self.final_at


@in_organization
def shredding_of(actor: Actor) -> Shredding | None:
    """Return what is known of the latest shredding, None where there was none. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    rows = VaultKey.objects.for_organization(actor.organization_id).filter(shredded_at__isnull=False)
    latest = max((row.shredded_at for row in rows if row.shredded_at), default=None)
    if latest is None:
        return None
    versions = sum(_counts_under(actor.organization_id, [row.pk for row in rows]).values())
    return Shredding(latest, latest + timedelta(days=settings.BACKUP_DAYS), versions)


@in_organization
def list_vault_keys(actor: Actor, *, cursor: str | None = None, limit: int = 50) -> Page[KeyView]:
    """Return the keys of the organization, newest first. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    page = page_of(VaultKey.objects.for_organization(actor.organization_id), cursor=cursor, limit=limit)
    counts = _counts_under(actor.organization_id, [row.pk for row in page.rows])
    return page.map(lambda row: _view(row, versions=counts.get(row.pk, 0)))


@in_organization
def count_left_to_rewrap(actor: Actor) -> int:
    """Return how many versions stand under retired keys that still open them. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    retired = VaultKey.objects.for_organization(actor.organization_id).filter(retired_at__isnull=False)
    return sum(
        _counts_under(actor.organization_id, list(retired.exclude(wrapped=b"").values_list("pk", flat=True))).values()
    )


@in_organization
def summarize_vault_keys(actor: Actor) -> KeySummary:
    """Return the keys of the organization in short. Raises NotAllowed."""
    left = count_left_to_rewrap(actor)
    rows = list(VaultKey.objects.for_organization(actor.organization_id).order_by("number"))
    states = [_state_of(row) for row in rows]
    in_use = next((row.number for row in rows if _state_of(row) is KeyState.IN_USE), None)
    return KeySummary(len(rows), in_use, left, states.count(KeyState.SHREDDED))


@in_organization
def view_key(actor: Actor, number: int) -> KeyView:
    """Return one key by its number. Raises NotAllowed."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    row = VaultKey.objects.for_organization(actor.organization_id).get(number=number)
    return _view(row, versions=_counts_under(actor.organization_id, [row.pk]).get(row.pk, 0))


def _counts_under(organization_id: UUID, keys: Sequence[UUID]) -> dict[UUID, int]:
    rows = SecretVersion.objects.for_organization(organization_id).filter(vault_key_id__in=keys)
    return dict(rows.order_by().values_list("vault_key_id").annotate(count=Count("pk")))


def _view(row: VaultKey, *, versions: int) -> KeyView:
    return KeyView(
        number=row.number,
        state=_state_of(row),
        master=row.master,
        versions=versions,
        created_at=row.created_at,
        retired_at=row.retired_at,
        emptied_at=row.emptied_at,
        shredded_at=row.shredded_at,
    )


def _state_of(row: VaultKey) -> KeyState:
    if row.shredded_at:
        return KeyState.SHREDDED
    if row.emptied_at:
        return KeyState.EMPTIED
    return KeyState.RETIRED if row.retired_at else KeyState.IN_USE
