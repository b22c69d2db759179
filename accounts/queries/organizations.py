# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The actor's own organization, and the ones a person may switch to."""

from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.errors import OrganizationNotFound
from accounts.models import Organization, Person
from accounts.queries.access import insist_in_organization
from accounts.queries.break_glass import list_entered
from accounts.queries.lookups import Belonging, list_belongings
from accounts.roles import Permission
from accounts.tenancy import in_organization


@in_organization
def access_organization(
    actor: Actor, organization: UUID | str | None = None, *, to: Permission = Permission.SEE
) -> Organization:
    """Return the actor's organization; by any other id or short name, OrganizationNotFound. Raises NotAllowed."""
    row = Organization.objects.get(pk=actor.organization_id)
    if organization is not None and str(organization) not in (str(row.pk), row.slug):
        raise no_such_organization(organization)
    if to is not Permission.SEE:
        insist_in_organization(actor, to)
    return row


def allows_substitute_models(actor: Actor) -> bool:
    """Tell whether the built-in model may answer here for one that nobody is set up for."""
    return access_organization(actor).allows_substitute_models


def allows_secrets_in_prompts(actor: Actor) -> bool:
    """Tell whether flows may send secrets to models here."""
    return access_organization(actor).allows_secrets_in_prompts


def access_belonging(person: Person, organization: UUID | str) -> Belonging:
    """Return an organization a person may act in, by id or short name. Raises OrganizationNotFound."""
    for belonging in _reachable(person):
        if str(organization) in (str(belonging.organization_id), belonging.slug):
            return belonging
    raise no_such_organization(organization)


def no_such_organization(organization: UUID | str) -> OrganizationNotFound:
    """Return the error for an organization that is not there, or not for who asks."""
    return OrganizationNotFound(f"No organization {str(organization)!r} that you belong to. Ask for an invitation.")


def list_reachable(actor: Actor, *, person: Person) -> list[Belonging]:
    """Return the organizations the actor, who is ``person``, may act in: all of a person's, and a token's one."""
    belongings = _reachable(person)
    if actor.kind is ActorKind.PERSON:
        return belongings
    return [belonging for belonging in belongings if belonging.organization_id == actor.organization_id]


def _reachable(person: Person) -> list[Belonging]:
    return [*list_belongings(person.pk), *list_entered(person)]
