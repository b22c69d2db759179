# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making and changing organizations, teams and projects."""

from django.db import transaction
from django.utils.text import slugify

from accounts.models import Membership, Organization, Person, Project, Team, TeamMembership
from accounts.operations.grants import open_organization, open_team, regrant
from accounts.queries.lookups import is_slug_taken, list_belongings
from accounts.roles import Role
from accounts.tenancy import tenant
from codexos.kernel.ids import new_id


def free_slug(wanted: str) -> str:
    """Return ``wanted`` as a short name that no organization has."""
    base = slugify(wanted)[:50] or "organization"
    if not is_slug_taken(base):
        return base
    return f"{base}-{str(new_id())[-6:]}"


def found_organization(
    person: Person, *, name: str, slug: str | None = None, is_personal: bool = False
) -> Organization:
    """Make an organization with its founder as org_admin, a first team and a first project."""
    organization = Organization(id=new_id(), name=name, slug=slug or free_slug(name), is_personal=is_personal)
    with tenant(organization.id):
        organization.save(force_insert=True)
        open_organization(organization)
        team = Team.objects.create(organization=organization, name="Core", slug="core")
        open_team(team)
        Project.objects.create(organization=organization, team=team, name="Main", slug="main")
        membership = Membership.objects.create(organization=organization, person=person, role=Role.ORG_ADMIN)
        TeamMembership.objects.create(organization=organization, membership=membership, team=team)
        regrant(membership)
    return organization


@transaction.atomic
def ensure_personal_organization(person: Person) -> None:
    """Give a person without any organization one of their own. Safe to call twice at once."""
    Person.objects.select_for_update().get(pk=person.pk)
    if not list_belongings(person.pk):
        found_organization(person, name=person.name or person.email.split("@")[0], is_personal=True)
