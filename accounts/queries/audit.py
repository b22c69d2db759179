# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Reading an organization's audit trail: for those who may, newest first, by who, what, about what and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.actor import Actor
from accounts.errors import AuditEventNotFound
from accounts.models import AuditEvent
from accounts.queries.access import insist_in_organization
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel.errors import InvalidInput
from codexos.kernel.ids import parse_id
from codexos.kernel.jsontypes import JsonObject

EXPORT_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What to keep of the trail; empty words keep everything.

    ``actor``: a person's id, or part of their address. ``action``: "token.issued", or "token" for all of that noun.
    ``about``: the id or the kind of a thing, or part of its name. ``since`` is included, ``until`` is not.
    """

    actor: str = ""
    action: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput where a word cannot stand in any event."""
        for place in ("actor", "action", "about"):
            if "\x00" in getattr(self, place):
                message = f"{place} holds a NUL byte. Take it out."
                raise InvalidInput(message, errors=[{"place": place, "message": message}])

    def as_words(self) -> JsonObject:
        """Return what was asked for, without the empty parts."""
        words = {"actor": self.actor, "action": self.action, "about": self.about}
        moments = {"since": self.since, "until": self.until}
        kept = {name: moment.isoformat() for name, moment in moments.items() if moment}
        return {name: word for name, word in words.items() if word} | kept


EVERYTHING = AuditFilters()


@in_organization
def access_audit_event(actor: Actor, event_id: UUID) -> AuditEvent:
    """Return one event. Raises AuditEventNotFound, NotAllowed."""
    insist_in_organization(actor, Permission.VIEW_AUDIT)
    event = AuditEvent.objects.for_organization(actor.organization_id).filter(pk=event_id).first()
    if event is None:
        raise AuditEventNotFound(f"No audit event {event_id} in this organization.")
    return event


@in_organization
def list_audit_events(
    actor: Actor, *, filters: AuditFilters = EVERYTHING, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[AuditEvent]:
    """Return a page of the trail, newest first. Raises NotAllowed, InvalidInput on a bad cursor."""
    insist_in_organization(actor, Permission.VIEW_AUDIT)
    return page_of(_matching(actor, filters), cursor=cursor, limit=limit)


def iterate_audit_events(actor: Actor, *, filters: AuditFilters = EVERYTHING) -> Iterator[list[AuditEvent]]:
    """Return the whole trail in batches, newest first, each read in a short transaction. Raises NotAllowed at once."""
    insist_in_organization(actor, Permission.VIEW_AUDIT)
    return _batches(actor, filters)


def _batches(actor: Actor, filters: AuditFilters) -> Iterator[list[AuditEvent]]:
    batch = _read_batch(actor, filters, older_than=None)
    while batch:
        yield batch
        batch = _read_batch(actor, filters, older_than=batch[-1].pk)


@in_organization
def _read_batch(actor: Actor, filters: AuditFilters, *, older_than: UUID | None) -> list[AuditEvent]:
    rows = _matching(actor, filters)
    if older_than is not None:
        rows = rows.filter(pk__lt=older_than)
    return list(rows.order_by("-pk")[:EXPORT_BATCH])


def _matching(actor: Actor, filters: AuditFilters) -> QuerySet[AuditEvent]:
    rows = AuditEvent.objects.for_organization(actor.organization_id)
    if filters.actor:
        person_id = parse_id(filters.actor)
        rows = rows.filter(Q(actor_id=person_id) if person_id else Q(actor_label__icontains=filters.actor))
    if filters.action:
        rows = rows.filter(Q(action=filters.action) | Q(action__startswith=f"{filters.action}."))
    if filters.about:
        about = filters.about
        rows = rows.filter(Q(about_id=about) | Q(about_kind=about.lower()) | Q(about_label__icontains=about))
    if filters.since:
        rows = rows.filter(created_at__gte=filters.since)
    if filters.until:
        rows = rows.filter(created_at__lt=filters.until)
    return rows
