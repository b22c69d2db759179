# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making, changing, moving and deleting projects."""

from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.errors import ProjectNotFound, SlugTaken, TeamNotFound
from accounts.models import Project, Team
from accounts.operations.audit import changes, record_event
from accounts.operations.deletion import delete_or_refuse
from accounts.operations.names import clean_name, clean_slug, clean_text, slug_from
from accounts.queries.access import insist_unnarrowed
from accounts.queries.projects import access_project
from accounts.queries.teams import access_team
from accounts.roles import Permission
from accounts.tenancy import in_organization


@in_organization
def create_project(
    actor: Actor, *, team: UUID | str, name: str, slug: str | None = None, description: str = ""
) -> Project:
    """Make a project in a team. Raises TeamNotFound, NotAllowed, NameInvalid, SlugTaken."""
    insist_unnarrowed(actor)
    name = clean_name(name)
    taken = Project.objects.for_organization(actor.organization_id)
    project = Project(
        organization_id=actor.organization_id,
        team=_held_team(actor, team),
        name=name,
        slug=clean_slug(slug)
        if slug
        else slug_from(name, otherwise="project", is_taken=lambda it: taken.filter(slug=it).exists()),
        description=clean_text(description, place="description"),
    )
    _save_or_refuse(project)
    record_event(actor, "project.created", about=project, team=project.team.slug)
    return project


@in_organization
def change_project(
    actor: Actor,
    project: UUID | str,
    *,
    name: str | None = None,
    slug: str | None = None,
    description: str | None = None,
    team: UUID | str | None = None,
    check: Callable[[Project], None] | None = None,
) -> Project:
    """Change a project, or move it to another team. Raises ProjectNotFound, TeamNotFound, NotAllowed, SlugTaken.

    ``check`` sees the row as it is before the change, held against others, and may refuse.
    """
    row = _held(access_project(actor, project, to=Permission.MANAGE_PROJECTS))
    if check is not None:
        check(row)
    before = _described(row)
    if name is not None:
        row.name = clean_name(name)
    if slug is not None and slug != row.slug:
        row.slug = clean_slug(slug)
    if description is not None:
        row.description = clean_text(description, place="description")
    if team is not None and str(team) not in (str(row.team_id), row.team.slug):
        insist_unnarrowed(actor)
        row.team = _held_team(actor, team)
    after = _described(row)
    if after != before:
        _save_or_refuse(row)
        changed = changes(before, after)
        record_event(actor, "project.changed", about=row, changed=changed)
    return row


@in_organization
def delete_project(actor: Actor, project: UUID | str) -> None:
    """Delete a project in which nothing stands. Raises ProjectNotFound, NotAllowed, NotEmpty."""
    row = access_project(actor, project, to=Permission.MANAGE_PROJECTS)
    insist_unnarrowed(actor)
    record_event(actor, "project.deleted", about=row)
    delete_or_refuse(row, kind="project")


def _held_team(actor: Actor, team: UUID | str) -> Team:
    found = access_team(actor, team, to=Permission.MANAGE_PROJECTS)
    rows = Team.objects.for_organization(actor.organization_id).select_for_update(no_key=True)
    held = rows.filter(pk=found.pk).first()
    if held is None:
        raise TeamNotFound(f"The team {found.slug!r} was deleted just now.")
    return held


def _held(project: Project) -> Project:
    rows = Project.objects.for_organization(project.organization_id).select_related("team")
    held = rows.select_for_update(no_key=True, of=("self",)).filter(pk=project.pk).first()
    if held is None:
        raise ProjectNotFound(f"The project {project.slug!r} was deleted just now.")
    return held


def _described(project: Project) -> dict[str, str]:
    return {
        "name": project.name,
        "slug": project.slug,
        "description": project.description,
        "team": project.team.slug,
    }


def _save_or_refuse(project: Project) -> None:
    try:
        with transaction.atomic():
            project.save(force_insert=project._state.adding)
    except IntegrityError:
        raise SlugTaken(f"The short name {project.slug!r} is in use by another project. Choose another.") from None
