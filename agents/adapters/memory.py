# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Memory as runs read and write it: in the conversation, the flow and the project that they are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.tenancy import OrganizationQuerySet, tenant
from agents.adapters.standing import Standing
from agents.engine.errors import MemoryRefused
from agents.engine.memories import MOST_ENTRIES, MOST_QUARANTINED, kept_key, kept_value
from agents.models import MemoryEntry, MemoryLabel, MemoryScope
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be kept: under which key, in which scope, for how long, and which strangers' text led to it."""

    scope: str
    key: str
    value: JsonValue
    labels: Sequence[str] = ()
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class MemoryPlace:
    """Whose memory a run reads and writes. Where it acts for somebody (``standing``), they must still be a member."""

    organization_id: UUID
    project_id: UUID
    run_id: UUID | None = None
    flow_id: UUID | None = None
    conversation: str = ""
    standing: Standing | None = None

    def read(self, scopes: Sequence[str], *, keys: Sequence[str] = ()) -> list[JsonObject]:
        """Return what is kept and may be read, by scope and key; asks the database."""
        with tenant(self.organization_id):
            self._insist_on_member()
            rows = self._readable(scopes)
            if keys:
                rows = rows.filter(key__in=keys)
            return [said_of(row) for row in rows.order_by("scope", "key")[:MOST_ENTRIES]]

    def write(self, written: Written) -> JsonObject:
        """Keep something; from text of strangers it waits for a person. Raises MemoryRefused."""
        key, (value, size) = kept_key(written.key), kept_value(written.value)
        place = self._place_of(written.scope)
        is_quarantined = bool(written.labels)
        with tenant(self.organization_id):
            self._insist_on_member()
            row = self._row(written.scope, place, key, is_quarantined=is_quarantined)
            is_new = row._state.adding
            if is_new:
                self._insist_on_room(written.scope, place, is_quarantined=is_quarantined)
            elif row.value != value:
                row.version += 1
            row.value, row.size = value, size
            row.label = MemoryLabel.UNTRUSTED if is_quarantined else MemoryLabel.TRUSTED
            row.sources = sorted(written.labels)
            row.source_run_id, row.changed_by = self.run_id, None
            row.expires_at = _expiry(written.seconds)
            row.updated_at = clock.now()
            self._save(row, is_new=is_new)
        return {"key": key, "scope": written.scope, "version": row.version, "quarantined": is_quarantined}

    def _insist_on_member(self) -> None:
        standing = self.standing
        if standing is not None and standing.load_actor() is None:
            raise NotAllowed(f"{standing.name} is no longer a member of this organization: its memory stays closed.")

    def _readable(self, scopes: Sequence[str]) -> OrganizationQuerySet[MemoryEntry]:
        wanted = Q(pk__in=[])
        for scope in scopes:
            if self._has(scope):
                wanted |= Q(scope=scope, place=self._place_of(scope))
        rows = self._own().filter(wanted, is_quarantined=False)
        return rows.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))

    def _own(self) -> OrganizationQuerySet[MemoryEntry]:
        return MemoryEntry.objects.for_organization(self.organization_id).filter(project_id=self.project_id)

    def _has(self, scope: str) -> bool:
        if scope == MemoryScope.CONVERSATION:
            return bool(self.conversation)
        return scope != MemoryScope.AGENT or self.flow_id is not None

    def _place_of(self, scope: str) -> str:
        if not self._has(scope):
            what = "conversation" if scope == MemoryScope.CONVERSATION else "saved flow"
            raise MemoryRefused(f"This run is of no {what}, so there is no memory of the {scope}. Use another scope.")
        if scope == MemoryScope.CONVERSATION:
            return self.conversation
        return str(self.flow_id) if scope == MemoryScope.AGENT else ""

    def _row(self, scope: str, place: str, key: str, *, is_quarantined: bool) -> MemoryEntry:
        rows = self._own().filter(scope=scope, place=place, key=key, is_quarantined=is_quarantined)
        return rows.select_for_update().first() or MemoryEntry(
            organization_id=self.organization_id,
            project_id=self.project_id,
            scope=scope,
            place=place,
            flow_id=self.flow_id if scope == MemoryScope.AGENT else None,
            key=key,
            is_quarantined=is_quarantined,
        )

    def _insist_on_room(self, scope: str, place: str, *, is_quarantined: bool) -> None:
        count = self._own().filter(scope=scope, place=place, is_quarantined=is_quarantined).count()
        most = MOST_QUARANTINED if is_quarantined else MOST_ENTRIES
        if count >= most:
            waits = " that wait for a person" if is_quarantined else ""
            raise MemoryRefused(f"There are {count} entries{waits}, and no room for more. Have some forgotten.")

    def _save(self, row: MemoryEntry, *, is_new: bool) -> None:
        if not is_new:
            row.save()
            return
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            # Another run wrote the same key in the same moment; the later one stands.
            found = self._row(row.scope, row.place, row.key, is_quarantined=row.is_quarantined)
            row.pk, row.version, row.created_at = found.pk, found.version + 1, found.created_at
            row.save(force_update=True)


def said_of(row: MemoryEntry) -> JsonObject:
    """Say an entry as a run reads it."""
    return {
        "scope": row.scope,
        "key": row.key,
        "value": row.value,
        "trusted": row.is_trusted,
        "version": row.version,
        "updated_at": row.updated_at.isoformat(),
    }


def _expiry(seconds: int | None) -> datetime | None:
    return None if seconds is None else clock.now() + timedelta(seconds=seconds)
