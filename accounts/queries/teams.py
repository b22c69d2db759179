# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Teams as one actor sees them: their own, or every one for those whose permissions reach the whole organization."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, QuerySet

from accounts.actor import Actor
from accounts.errors import TeamNotFound
from accounts.models import Team
from accounts.queries.access import insist, named
from accounts.queries.pages import PAGE_LIMIT, Page, page_of
from accounts.roles import Permission
from accounts.tenancy import in_organization


@in_organization
def access_team(actor: Actor, team: UUID | str, *, to: Permission = Permission.SEE) -> Team:
    """Return a team by id or short name. Raises TeamNotFound, NotAllowed."""
    row = visible_teams(actor).filter(named(team)).first()
    if row is None:
        raise TeamNotFound(f"No team {str(team)!r} that you can see. Check its name, or ask to be let in.")
    insist(actor, to, row)
    return row


@in_organization
def access_teams(actor: Actor, teams: Iterable[UUID | str]) -> list[Team]:
    """Return several teams, each once, in the order they were named. Raises TeamNotFound."""
    return list({row.pk: row for row in (access_team(actor, team) for team in teams)}.values())


@in_organization
def list_teams(actor: Actor, *, cursor: str | None = None, limit: int = PAGE_LIMIT) -> Page[Team]:
    """Return the teams the actor sees, newest first, each with ``project_count`` and ``member_count``."""
    return page_of(
        visible_teams(actor).annotate(
            project_count=Count("projects", distinct=True), member_count=Count("team_memberships", distinct=True)
        ),
        cursor=cursor,
        limit=limit,
    )


@in_organization
def list_manageable_teams(actor: Actor) -> list[Team]:
    """Return the teams in which the actor may make projects, by name; for choosing one in a form."""
    rows = visible_teams(actor).order_by("name", "pk")
    return [row for row in rows if actor.may(Permission.MANAGE_PROJECTS, row)]


def visible_teams(actor: Actor) -> "QuerySet[Team]":
    """Return the query for what the actor sees; to be read inside the actor's organization."""
    rows = Team.objects.for_organization(actor.organization_id)
    if actor.project_id is not None:
        rows = rows.filter(projects=actor.project_id)
    return rows if actor.sees_every_team else rows.filter(pk__in=actor.team_ids)
