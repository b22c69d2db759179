# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The door to guardian: groups per organization and team, made from the matrix of roles."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.contrib.auth.models import Permission as PermissionRow
from guardian.utils import get_group_obj_perms_model

from accounts.models import Membership, Organization, Person, Team
from accounts.roles import MATRIX, ORGANIZATION_ROLES, Permission, Role

TEAM_ROLES = (Role.TEAM_LEAD, Role.DEVELOPER, Role.VIEWER)


def open_organization(organization: Organization) -> None:
    """Make the organization's groups: its admins, who may everything everywhere in it."""
    _grant(_organization_group(organization.id), organization, MATRIX[Role.ORG_ADMIN])


def open_team(team: Team) -> None:
    """Make the team's groups, one for each role that reaches a team."""
    for role in TEAM_ROLES:
        _grant(_team_group(team.id, role), team, MATRIX[role])


def close_team(team: Team) -> None:
    """Take the team's groups away, and with them what they granted."""
    Group.objects.filter(name__startswith=f"team:{team.id}:").delete()


def regrant(membership: Membership) -> None:
    """Put the member's person into exactly the groups that their role and teams name."""
    person, organization_id = membership.person, membership.organization_id
    revoke_all(person, organization_id=organization_id)
    if Role(membership.role) in ORGANIZATION_ROLES:
        person.groups.add(_organization_group(organization_id))
        return
    for team_id in membership.team_memberships.values_list("team_id", flat=True):
        person.groups.add(_team_group(team_id, Role(membership.role)))


def revoke_all(person: Person, *, organization_id: UUID) -> None:
    """Take a person out of every group of one organization."""
    teams = Team.objects.for_organization(organization_id).values_list("id", flat=True)
    names = [_organization_name(organization_id), *(_team_name(id_, role) for id_ in teams for role in TEAM_ROLES)]
    person.groups.remove(*Group.objects.filter(name__in=names, people=person))


def _grant(group: Group, container: Organization | Team, permissions: frozenset[Permission]) -> None:
    grants: Any = get_group_obj_perms_model(container)
    rows = PermissionRow.objects.filter(
        content_type__app_label="accounts",
        content_type__model=container._meta.model_name,
        codename__in=[permission.value for permission in permissions],
    )
    grants.objects.bulk_create(
        [grants(permission=row, group=group, content_object=container) for row in rows], ignore_conflicts=True
    )


def _organization_name(organization_id: UUID) -> str:
    return f"organization:{organization_id}:{Role.ORG_ADMIN}"


def _team_name(team_id: UUID, role: Role) -> str:
    return f"team:{team_id}:{role}"


def _organization_group(organization_id: UUID) -> Group:
    return Group.objects.get_or_create(name=_organization_name(organization_id))[0]


def _team_group(team_id: UUID, role: Role) -> Group:
    return Group.objects.get_or_create(name=_team_name(team_id, role))[0]
