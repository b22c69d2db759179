# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Making, changing and deleting teams."""

from collections.abc import Callable
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.errors import SlugTaken, TeamNotFound
from accounts.models import Team
from accounts.operations.audit import record_event
from accounts.operations.deletion import delete_or_refuse
from accounts.operations.grants import close_team, open_team
from accounts.operations.names import clean_name, clean_slug, rename, slug_from
from accounts.queries.access import insist_in_organization
from accounts.queries.teams import access_team
from accounts.roles import Permission
from accounts.tenancy import in_organization


@in_organization
def create_team(actor: Actor, *, name: str, slug: str | None = None) -> Team:
    """Make a team. Raises NotAllowed, NameInvalid, SlugTaken."""
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    name = clean_name(name)
    taken = Team.objects.for_organization(actor.organization_id)
    team = Team(
        organization_id=actor.organization_id,
        name=name,
        slug=clean_slug(slug)
        if slug
        else slug_from(name, otherwise="team", is_taken=lambda it: taken.filter(slug=it).exists()),
    )
    _save_or_refuse(team)
    open_team(team)
    record_event(actor, "team.created", about=team)
    return team


@in_organization
def change_team(
    actor: Actor,
    team: UUID | str,
    *,
    name: str | None = None,
    slug: str | None = None,
    check: Callable[[Team], None] | None = None,
) -> Team:
    """Change a team's name or short name. Raises TeamNotFound, NotAllowed, NameInvalid, SlugTaken.

    ``check`` sees the row as it is before the change, held against others, and may refuse.
    """
    row = access_team(actor, team)
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    row = _held(row)
    if check is not None:
        check(row)
    before, after = rename(row, name=name, slug=slug)
    if after == before:
        return row
    _save_or_refuse(row)
    record_event(actor, "team.changed", about=row, before=before, after=after)
    return row


@in_organization
def delete_team(actor: Actor, team: UUID | str) -> None:
    """Delete a team that holds no project; its members stay in the organization. Raises TeamNotFound, NotEmpty."""
    row = access_team(actor, team)
    insist_in_organization(actor, Permission.MANAGE_ORGANIZATION)
    # Whoever makes a project here just now waits for this, and then finds no team.
    row = _held(row)
    record_event(actor, "team.deleted", about=row)
    close_team(row)
    delete_or_refuse(row, kind="team")


def _held(team: Team) -> Team:
    held = Team.objects.for_organization(team.organization_id).select_for_update().filter(pk=team.pk).first()
    if held is None:
        raise TeamNotFound(f"The team {team.slug!r} was deleted just now.")
    return held


def _save_or_refuse(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save(force_insert=team._state.adding)
    except IntegrityError:
        raise SlugTaken(f"A team with the short name {team.slug!r} exists. Choose another.") from None
