# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Members of the actor's organization; every member sees who the others are, and of their teams those they share."""

from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from accounts.actor import Actor
from accounts.errors import MemberNotFound
from accounts.models import Membership, Team, TeamMembership
from accounts.queries.access import insist_in_organization, insist_unnarrowed
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.queries.teams import access_team, visible_teams
from accounts.roles import Permission, Role
from accounts.tenancy import in_organization
from codexos.kernel.ids import parse_id

OWN = "me"


@in_organization
def access_member(actor: Actor, member: UUID | str, *, to: Permission = Permission.SEE) -> Membership:
    """Return a member by the id of the membership, or one's own by "me". Raises MemberNotFound, NotAllowed."""
    insist_unnarrowed(actor)
    row = _members(actor).filter(_who(actor, member)).first()
    if row is None:
        raise MemberNotFound(f"No member {str(member)!r} in this organization. They may have left.")
    if to is not Permission.SEE:
        insist_in_organization(actor, to)
    return row


@in_organization
def list_members(
    actor: Actor,
    *,
    search: str = "",
    role: Role | None = None,
    team: UUID | str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Membership]:
    """Return members, newest first, by words in their name or address, by role, by team.

    Raises NotAllowed, TeamNotFound.
    """
    insist_unnarrowed(actor)
    rows = _members(actor)
    for word in search.replace("\x00", " ").split():
        rows = rows.filter(Q(person__name__icontains=word) | Q(person__email__icontains=word))
    if role is not None:
        rows = rows.filter(role=role)
    if team is not None:
        rows = rows.filter(team_memberships__team=access_team(actor, team))
    return page_of(rows, cursor=cursor, limit=limit)


@in_organization
def count_members(actor: Actor) -> int:
    """Return how many members the organization has."""
    return Membership.objects.for_organization(actor.organization_id).count()


def teams_of(member: Membership) -> list[Team]:
    """Return the teams of a member as the actor who asked for the member sees them, by name. Asks no database."""
    seen: list[TeamMembership] = getattr(member, "seen_team_memberships", [])
    return sorted((place.team for place in seen), key=lambda team: (team.name.casefold(), str(team.pk)))


def _members(actor: Actor) -> "QuerySet[Membership]":
    places = (
        TeamMembership.objects.for_organization(actor.organization_id)
        .filter(team__in=visible_teams(actor))
        .select_related("team")
    )
    return (
        Membership.objects.for_organization(actor.organization_id)
        .select_related("person")
        .prefetch_related(Prefetch("team_memberships", queryset=places, to_attr="seen_team_memberships"))
    )


def _who(actor: Actor, member: UUID | str) -> Q:
    if member == OWN:
        return Q(person_id=actor.person_id)
    id_ = member if isinstance(member, UUID) else parse_id(member)
    return Q(pk=id_) if id_ else Q(pk__in=())
