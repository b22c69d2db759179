# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The numbers beside the names of the settings pages."""

from dataclasses import dataclass

from django.db.models import Q

from accounts.actor import Actor
from accounts.models import ApiToken, Membership
from accounts.queries.projects import visible_projects
from accounts.queries.teams import visible_teams
from accounts.roles import Permission
from accounts.tenancy import in_organization
from codexos.kernel import clock


@dataclass(frozen=True, slots=True)
class Overview:
    """How much of everything the actor sees in their organization."""

    members: int
    teams: int
    projects: int
    tokens: int


@in_organization
def overview(actor: Actor) -> Overview:
    """Count members, and of teams, projects and good API tokens those that the actor sees."""
    now = clock.now()
    tokens = ApiToken.objects.for_organization(actor.organization_id).filter(
        Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None
    )
    if not actor.may_in_organization(Permission.MANAGE_USERS):
        tokens = tokens.filter(person_id=actor.person_id)
    return Overview(
        members=Membership.objects.for_organization(actor.organization_id).count(),
        teams=visible_teams(actor).count(),
        projects=visible_projects(actor).count(),
        tokens=tokens.count(),
    )
