# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""As whom the operator of the installation asks and changes knowledge: as a person of an organization."""

from uuid import UUID

from django.core.management.base import CommandError

from accounts.actor import Actor
from accounts.models import Membership, Person
from accounts.queries.grants import load_actor
from accounts.queries.seals import list_audited_organizations
from accounts.roles import Role
from accounts.tenancy import tenant


def acting(*, organization: str, email: str) -> Actor:
    """Return who acts: the named person, or the longest-standing admin. Raises CommandError."""
    organization_id = _organization_named(organization)
    person = Person.objects.filter(email__iexact=email).first() if email else _admin_of(organization_id)
    actor = None if person is None else load_actor(person, organization_id=organization_id)
    if actor is None:
        raise CommandError(f"{email or 'Nobody'} is no member of that organization. Say who by --as EMAIL.")
    return actor


def _organization_named(slug: str) -> UUID:
    known = {each.slug: each.id for each in list_audited_organizations()}
    if slug in known:
        return known[slug]
    if not slug and len(known) == 1:
        return next(iter(known.values()))
    which = f"No organization {slug!r}." if slug else "There are several organizations."
    raise CommandError(f"{which} Say which by --organization: {', '.join(sorted(known)) or 'there is none yet'}.")


def _admin_of(organization_id: UUID) -> Person | None:
    with tenant(organization_id):
        rows = Membership.objects.for_organization(organization_id).filter(role=Role.ORG_ADMIN)
        first = rows.select_related("person").order_by("pk").first()
        return None if first is None else first.person
