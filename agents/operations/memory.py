# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What people do with what agents keep: change it, accept what waits, have it forgotten. Each stands in the audit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from accounts.actor import Actor
from accounts.errors import PreconditionFailed
from accounts.operations.audit import record_event
from accounts.queries.lookups import list_organization_ids
from accounts.tenancy import in_organization, tenant
from agents.engine.errors import MemoryRefused
from agents.engine.memories import kept_value
from agents.errors import MemoryEntryAccepted, MemoryEntryInvalid
from agents.models import MemoryEntry, MemoryLabel
from agents.queries.memory import CHANGE, access_memory
from codexos.kernel import clock
from codexos.kernel.jsontypes import JsonValue


@dataclass(frozen=True, slots=True)
class MemoryEdit:
    """What is said about an entry; None stays as it was. ``value`` and ``expires_at`` hold the one value."""

    value: tuple[JsonValue] | None = None
    label: str | None = None
    expires_at: tuple[datetime | None] | None = None


@in_organization
def change_memory(
    actor: Actor, entry: UUID | str, *, edit: MemoryEdit, expected: Collection[int] | None = None
) -> MemoryEntry:
    """Change an entry. Raises MemoryEntryNotFound, MemoryEntryInvalid, NotAllowed, PreconditionFailed."""
    row = _hold(actor, entry, expected=expected)
    before = row.value
    if edit.value is not None:
        try:
            row.value, row.size = kept_value(edit.value[0])
        except MemoryRefused as error:
            raise MemoryEntryInvalid("value", error.message) from None
    if edit.label is not None:
        row.label = _label(edit.label)
    if edit.expires_at is not None:
        row.expires_at = _future(edit.expires_at[0])
    return _kept(actor, row, "memory.changed", value_changed=row.value != before)


@in_organization
def accept_memory(actor: Actor, entry: UUID | str, *, label: str = MemoryLabel.TRUSTED) -> MemoryEntry:
    """Let runs read an entry that waited, in place of what is under its key; trusted, or labeled as of strangers.

    Raises MemoryEntryNotFound, MemoryEntryAccepted, MemoryEntryInvalid, NotAllowed.
    """
    # One after another under one key: whoever comes second sees what the first has accepted.
    _wait_for_turn(access_memory(actor, entry, to=CHANGE))
    row = _hold(actor, entry)
    if not row.is_quarantined:
        raise MemoryEntryAccepted(key=row.key)
    before = _accepted_beside(row)
    if before is not None:
        row.version = before.version + 1
        before.delete()
    row.is_quarantined, row.label = False, _label(label)
    try:
        with transaction.atomic():
            return _kept(actor, row, "memory.accepted", counts=False)
    except IntegrityError:
        # A run wrote under the key in that moment: whoever accepts is to see that first.
        raise MemoryEntryAccepted(key=row.key) from None


@in_organization
def forget_memory(actor: Actor, entry: UUID | str, *, expected: Collection[int] | None = None) -> None:
    """Delete an entry for good. Raises MemoryEntryNotFound, NotAllowed, PreconditionFailed."""
    row = _hold(actor, entry, expected=expected)
    record_event(actor, "memory.forgotten", about=row, scope=row.scope, project=str(row.project_id))
    row.delete()


def forget_expired_memory() -> None:
    """Delete the entries of every organization whose time is up."""
    for organization_id in list_organization_ids():
        with tenant(organization_id):
            MemoryEntry.objects.for_organization(organization_id).filter(expires_at__lte=clock.now()).delete()


def _hold(actor: Actor, entry: UUID | str, *, expected: Collection[int] | None = None) -> MemoryEntry:
    row = access_memory(actor, entry, to=CHANGE, holding=True)
    if expected is not None and row.version not in expected:
        raise PreconditionFailed(f"Entry {row.key!r} is at version {row.version} by now. Read it again.")
    return row


def _wait_for_turn(row: MemoryEntry) -> None:
    place = f"memory {row.organization_id} {row.project_id} {row.scope} {row.place} {row.key}"
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [place])


def _accepted_beside(row: MemoryEntry) -> MemoryEntry | None:
    rows = MemoryEntry.objects.for_organization(row.organization_id).select_for_update()
    where = {"project_id": row.project_id, "scope": row.scope, "place": row.place, "key": row.key}
    return rows.filter(is_quarantined=False, **where).first()


def _kept(actor: Actor, row: MemoryEntry, action: str, *, counts: bool = True, **told: JsonValue) -> MemoryEntry:
    row.version += counts
    row.changed_by_id, row.updated_at = actor.person_id, clock.now()
    row.save()
    # What it says stays out of the trail, where it could not be forgotten.
    record_event(actor, action, about=row, scope=row.scope, label=row.label, project=str(row.project_id), **told)
    return row


def _label(said: str) -> str:
    if said not in MemoryLabel.values:
        raise MemoryEntryInvalid("label", f"{said[:40]!r} is not one of {', '.join(map(repr, MemoryLabel.values))}.")
    return said


def _future(moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= clock.now():
        raise MemoryEntryInvalid("expires_at", "That moment has passed. Choose one to come, or have it forgotten.")
    return moment
