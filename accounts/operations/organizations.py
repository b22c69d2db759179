# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making and changing organizations, and choosing among one's own."""

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.errors import SlugTaken
from accounts.models import Membership, Organization, Person, Project, Team, TeamMembership
from accounts.operations.audit import record_event
from accounts.operations.grants import open_organization, open_team, regrant
from accounts.operations.names import NAME_LENGTH, clean_name, clean_slug, rename, slug_from
from accounts.operations.outbox import publish_event
from accounts.queries.grants import load_actor
from accounts.queries.lookups import Belonging, is_slug_taken, list_belongings
from accounts.queries.organizations import access_belonging, access_organization
from accounts.roles import Permission, Role
from accounts.tenancy import in_organization, tenant
from codexos.kernel.errors import Broken
from codexos.kernel.events import OrganizationCreated
from codexos.kernel.ids import OrganizationId, PersonId, new_id
from codexos.kernel.jsontypes import JsonObject, JsonValue


def free_slug(wanted: str) -> str:
    """Return ``wanted`` as a short name that no organization has."""
    return slug_from(wanted, otherwise="organization", is_taken=is_slug_taken)


def found_organization(
    person: Person, *, name: str, slug: str | None = None, is_personal: bool = False
) -> Organization:
    """Make an organization with its founder as org_admin, a first team and project. Raises NameInvalid, SlugTaken."""
    name = clean_name(name)
    organization = Organization(
        id=new_id(), name=name, slug=clean_slug(slug) if slug else free_slug(name), is_personal=is_personal
    )
    with tenant(organization.id):
        _save_or_refuse(organization)
        open_organization(organization)
        _furnish(organization, person)
        publish_event(
            OrganizationCreated(organization_id=OrganizationId(organization.id), person_id=PersonId(person.id))
        )
        record_event(_founder(person, organization), "organization.founded", about=organization)
    return organization


@transaction.atomic
def ensure_personal_organization(person: Person) -> None:
    """Give a person without any organization one of their own. Safe to call twice at once."""
    Person.objects.select_for_update().get(pk=person.pk)
    if not list_belongings(person.pk):
        name = (person.name or person.email.split("@")[0])[:NAME_LENGTH]
        found_organization(person, name=name, is_personal=True)


@in_organization
def change_organization(
    actor: Actor,
    organization: UUID | str | None = None,
    *,
    name: str | None = None,
    slug: str | None = None,
    allows_substitute_models: bool | None = None,
    allows_secrets_in_prompts: bool | None = None,
    content_days: int | None = None,
    most_runs: int | None = None,
    check: Callable[[Organization], None] | None = None,
) -> Organization:
    """Change the actor's organization: its names, what it allows, for how long it keeps what runs come to,
    how many of them are under way at once.

    ``organization`` may name it again; another one is not found. ``check`` sees the row before the change, held
    against others, and may refuse. Raises NotAllowed, NameInvalid, SlugTaken.
    """
    named = access_organization(actor, organization, to=Permission.MANAGE_ORGANIZATION)
    row = Organization.objects.select_for_update(no_key=True).get(pk=named.pk)
    if check is not None:
        check(row)
    settings = {
        "allows_substitute_models": allows_substitute_models,
        "allows_secrets_in_prompts": allows_secrets_in_prompts,
        "content_days": content_days,
        "most_runs": most_runs,
    }
    before, after = _changed(row, settings, name=name, slug=slug)
    if after == before:
        return row
    _save_or_refuse(row)
    record_event(actor, "organization.changed", about=row, before=before, after=after)
    return row


def choose_organization(person: Person, organization: UUID | str) -> Belonging:
    """Remember which of their organizations a person works in, by id or short name. Raises OrganizationNotFound."""
    belonging = access_belonging(person, organization)
    if person.last_organization_id != belonging.organization_id:
        person.last_organization_id = belonging.organization_id
        person.save(update_fields=["last_organization_id"])
    return belonging


def _changed(
    row: Organization, settings: Mapping[str, int | None], *, name: str | None, slug: str | None
) -> tuple[JsonObject, JsonObject]:
    """Set what is to change; None leaves a setting as it is. Return what is told of it: before and after."""
    before, after = rename(row, name=name, slug=slug)
    told: tuple[dict[str, JsonValue], dict[str, JsonValue]] = ({**before}, {**after})
    for setting, wanted in settings.items():
        known = getattr(row, setting)
        if wanted not in (None, known):
            setattr(row, setting, wanted)
            told[0][setting], told[1][setting] = known, wanted
    return told


def _furnish(organization: Organization, person: Person) -> None:
    team = Team.objects.create(organization=organization, name="Core", slug="core")
    open_team(team)
    Project.objects.create(organization=organization, team=team, name="Main", slug="main")
    membership = Membership.objects.create(organization=organization, person=person, role=Role.ORG_ADMIN)
    TeamMembership.objects.create(organization=organization, membership=membership, team=team)
    regrant(membership)


def _founder(person: Person, organization: Organization) -> Actor:
    actor = load_actor(person, organization_id=organization.id)
    if actor is None:
        raise Broken(f"The founder of {organization.slug!r} is not active.")
    return actor


def _save_or_refuse(organization: Organization) -> None:
    try:
        with transaction.atomic():
            organization.save(force_insert=organization._state.adding)
    except IntegrityError:
        raise SlugTaken(f"The short name {organization.slug!r} is in use. Choose another.") from None
