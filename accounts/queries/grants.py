# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Builds the Actor: a person's role and grants in one organization, read once per request."""

from collections import defaultdict
from uuid import UUID

from accounts.actor import Actor, ActorKind
from accounts.models import BreakGlass, Membership, OrganizationGrant, Person, TeamGrant
from accounts.roles import Permission, Role
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.ids import OrganizationId, PersonId


def load_actor(person: Person, *, organization_id: UUID) -> Actor | None:
    """Return who ``person`` is in an organization: a member, a system admin under break-glass, or None."""
    if not person.is_active:
        return None
    with tenant(organization_id):
        role, break_glass_id = _role_of(person, organization_id)
        if role is None:
            return None
        return Actor(
            kind=ActorKind.PERSON,
            person_id=PersonId(person.id),
            organization_id=OrganizationId(organization_id),
            role=role,
            label=person.email,
            grants=_grants_of(person, organization_id, role=role),
            break_glass_id=break_glass_id,
        )


def _role_of(person: Person, organization_id: UUID) -> tuple[Role | None, UUID | None]:
    membership = Membership.objects.for_organization(organization_id).filter(person=person).first()
    if membership is not None:
        return (Role.SYSTEM_ADMIN if person.is_system_admin else Role(membership.role)), None
    if not person.is_system_admin:
        return None, None
    entry = (
        BreakGlass.objects.for_organization(organization_id)
        .filter(person=person, ended_at=None, expires_at__gt=clock.now())
        .first()
    )
    return (Role.SYSTEM_ADMIN, entry.id) if entry else (None, None)


def _grants_of(person: Person, organization_id: UUID, *, role: Role) -> dict[UUID, frozenset[Permission]]:
    if role is Role.SYSTEM_ADMIN:
        return {organization_id: frozenset(Permission)}
    held: defaultdict[UUID, set[Permission]] = defaultdict(set)
    for model in (OrganizationGrant, TeamGrant):
        rows = model.objects.filter(group__people=person).values_list("content_object_id", "permission__codename")
        for container_id, codename in rows:
            held[container_id].add(Permission(codename))
    return {container_id: frozenset(permissions) for container_id, permissions in held.items()}
