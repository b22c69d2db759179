# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Closing and opening the door of the whole platform to one person; system admins only."""

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from accounts.actor import Actor, ActorKind
from accounts.adapters.sign_ins import end_sessions
from accounts.models import Person
from accounts.operations.audit import record_event
from accounts.operations.tokens import revoke_tokens_of
from accounts.queries.lookups import list_belongings
from accounts.roles import Role
from accounts.tenancy import tenant
from codexos.kernel.errors import Conflict, NotAllowed
from codexos.kernel.ids import OrganizationId, PersonId


@transaction.atomic
def disable_person(admin: Person, *, person: Person) -> None:
    """End a person's sign-ins, sessions and tokens at once, everywhere. Raises NotAllowed, Conflict for oneself."""
    _check_system_admin(admin)
    if admin.pk == person.pk:
        raise Conflict("You cannot disable yourself. Ask another system admin.")
    person.is_active = False
    person.save(update_fields=["is_active"])
    end_sessions(person.pk)

    def close(organization_id: UUID) -> None:
        revoke_tokens_of(person.pk, organization_id=organization_id)

    _in_each_organization(admin, person, deed="person.disabled", do=close)


@transaction.atomic
def enable_person(admin: Person, *, person: Person) -> None:
    """Let a disabled person sign in again; their tokens stay revoked. Raises NotAllowed."""
    _check_system_admin(admin)
    person.is_active = True
    person.save(update_fields=["is_active"])
    _in_each_organization(admin, person, deed="person.enabled", do=lambda _organization_id: None)


@transaction.atomic
def set_system_admin(person: Person, *, is_system_admin: bool) -> None:
    """Say whether a person runs the platform: the operator's word, from the command line only. Their sessions end."""
    person.is_system_admin = is_system_admin
    person.save(update_fields=["is_system_admin"])
    end_sessions(person.pk)
    deed = "person.made_system_admin" if is_system_admin else "person.unmade_system_admin"
    _in_each_organization(person, person, deed=deed, do=lambda _organization_id: None)


def _in_each_organization(admin: Person, person: Person, *, deed: str, do: Callable[[UUID], None]) -> None:
    for belonging in list_belongings(person.pk):
        with tenant(belonging.organization_id):
            do(belonging.organization_id)
            record_event(_acting(admin, belonging.organization_id), deed, about=person)


def _acting(admin: Person, organization_id: UUID) -> Actor:
    return Actor(
        kind=ActorKind.PERSON,
        person_id=PersonId(admin.pk),
        organization_id=OrganizationId(organization_id),
        role=Role.SYSTEM_ADMIN,
        label=admin.email,
    )


def _check_system_admin(admin: Person) -> None:
    if not (admin.is_active and admin.is_system_admin):
        raise NotAllowed("Only a system admin may do this.")
