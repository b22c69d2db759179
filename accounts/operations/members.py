# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Members of an organization: joining, roles, teams, leaving."""

from collections.abc import Iterable
from uuid import UUID

from codexos.kernel.events import MemberJoined

from accounts.errors import AlreadyMember
from accounts.models import Membership, Person, TeamMembership
from accounts.operations.grants import regrant
from accounts.operations.outbox import publish_event
from accounts.roles import Role
from accounts.tenancy import tenant


def admit(person: Person, *, organization_id: UUID, role: Role, team_ids: Iterable[UUID]) -> Membership:
    """Make a person a member; the caller has decided that they may be. Raises AlreadyMember."""
    with tenant(organization_id):
        if Membership.objects.for_organization(organization_id).filter(person=person).exists():
            raise AlreadyMember(f"{person.email} is a member already. Change their role instead.")
        membership = Membership.objects.create(organization_id=organization_id, person=person, role=role)
        TeamMembership.objects.bulk_create(
            [
                TeamMembership(organization_id=organization_id, membership=membership, team_id=team_id)
                for team_id in team_ids
            ]
        )
        regrant(membership)
        publish_event(MemberJoined(organization_id=organization_id, person_id=person.id))
    return membership
