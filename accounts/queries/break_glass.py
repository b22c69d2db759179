# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Who has entered an organization without being a member: what the organization sees, and what the admin may enter."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.actor import Actor
from accounts.models import BreakGlass, Person
from accounts.queries.lookups import Belonging
from accounts.roles import Role
from accounts.tenancy import in_organization, platform
from codexos.kernel import clock


@dataclass(frozen=True, slots=True)
class Entered:
    """One entry that is open now, as the banner of the organization's pages tells it."""

    id: UUID
    person_id: UUID
    email: str
    name: str
    reason: str
    entered_at: datetime
    expires_at: datetime


def is_open(entries: QuerySet[BreakGlass]) -> QuerySet[BreakGlass]:
    """Keep the entries that neither time nor a hand has ended."""
    return entries.filter(ended_at=None, expires_at__gt=clock.now())


@in_organization
def active_break_glass(actor: Actor) -> list[Entered]:
    """Return who is in the actor's organization under break-glass now; every member may know."""
    entries = BreakGlass.objects.for_organization(actor.organization_id).select_related("person")
    return [
        Entered(e.pk, e.person.pk, e.person.email, e.person.name, e.reason, e.created_at, e.expires_at)
        for e in is_open(entries).order_by("id")
    ]


def list_entered(person: Person) -> list[Belonging]:
    """Return the organizations a system admin has entered under break-glass and not left; others have none."""
    if not (person.is_system_admin and person.is_active):
        return []
    with platform(person.pk):
        entries = BreakGlass.objects.across_organizations(because="where a system admin stands under break-glass")
        rows = is_open(entries.filter(person=person)).select_related("organization").order_by("organization__name")
        return [
            Belonging(o.id, o.slug, o.name, Role.SYSTEM_ADMIN, o.is_personal) for o in (e.organization for e in rows)
        ]
