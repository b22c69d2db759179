# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Projects as one actor sees them: those of their teams; a token narrowed to a project sees that one only."""

from uuid import UUID

from accounts.actor import Actor
from accounts.errors import ProjectNotFound
from accounts.models import Project
from accounts.queries.access import id_in, insist, named
from accounts.queries.pages import PAGE_LIMIT, Page, listing, prepared_page
from accounts.queries.prepared import Prepared
from accounts.queries.teams import access_team
from accounts.roles import Permission
from accounts.tenancy import OrganizationQuerySet, in_organization
from codexos.kernel.errors import InvalidInput

_CANDIDATES_NAMED = 10


@in_organization
def access_project(actor: Actor, project: UUID | str, *, to: Permission = Permission.SEE) -> Project:
    """Return a project by id or short name, its team with it. Raises ProjectNotFound, NotAllowed."""
    row = (
        next(iter(_NAMED.rows(actor, id_)), None)
        if (id_ := id_in(project))
        else visible_projects(actor).filter(named(project)).first()
    )
    if row is None:
        raise ProjectNotFound(f"No project {str(project)!r} that you can see. Check its name, or ask to be let in.")
    insist(actor, to, row)
    return row


@in_organization
def list_projects(
    actor: Actor, *, team: UUID | str | None = None, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> Page[Project]:
    """Return the projects the actor sees, of one team or of all, newest first. Raises TeamNotFound."""
    team_id = None if team is None else access_team(actor, team).pk
    return prepared_page(_LISTED, actor, team_id, cursor=cursor, limit=limit)


@in_organization
def only_project(actor: Actor) -> Project:
    """Return the token's project, or the single one the actor sees. Raises InvalidInput naming the candidates."""
    rows = list(visible_projects(actor).order_by("slug")[: _CANDIDATES_NAMED + 1])
    if len(rows) == 1:
        return rows[0]
    candidates = [row.slug for row in rows[:_CANDIDATES_NAMED]]
    message = (
        f"Say which project: project_id may be {', '.join(candidates)}{', …' if len(rows) > _CANDIDATES_NAMED else ''}."
        if candidates
        else "You see no project yet. Make one, or ask to be let into a team that has one."
    )
    raise InvalidInput(message, errors=[{"place": "project_id", "message": message}], candidates=candidates)


@in_organization
def count_projects(actor: Actor) -> int:
    """Return how many projects the actor sees."""
    return visible_projects(actor).count()


def visible_projects(actor: Actor) -> OrganizationQuerySet[Project]:
    """Return the query for what the actor sees; to be read inside the actor's organization."""
    rows = Project.objects.for_organization(actor.organization_id).select_related("team")
    if actor.project_id is not None:
        rows = rows.filter(pk=actor.project_id)
    return rows if actor.sees_every_team else rows.filter(team_id__in=actor.team_ids)


def _listed(actor: Actor, team_id: UUID | None) -> OrganizationQuerySet[Project]:
    rows = visible_projects(actor)
    return rows if team_id is None else rows.filter(team_id=team_id)


def _named_by_id(actor: Actor, project_id: UUID) -> OrganizationQuerySet[Project]:
    return visible_projects(actor).filter(pk=project_id)


_LISTED = listing(_listed)
_NAMED = Prepared(_named_by_id)
