# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Queries whose SQL is kept: everybody still sees their own, and what could not be kept rightly is refused."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Value

from accounts.actor import Actor
from accounts.errors import ProjectNotFound
from accounts.models import Project, Team
from accounts.operations.projects import create_project
from accounts.operations.teams import create_team
from accounts.queries.prepared import Prepared
from accounts.queries.projects import access_project, list_projects, visible_projects
from accounts.tenancy import UnscopedRead, tenant
from codexos.kernel.ids import ProjectId
from tests.factories import World


def seen(actor: Actor, **more: Any) -> set[str]:
    """The projects an actor is told of, by the ids."""
    return {str(row.pk) for row in list_projects(actor, **more).rows}


def test_everybody_sees_their_own_by_the_same_sql(world: World) -> None:
    hidden = create_project(world.admin.actor, team=create_team(world.admin.actor, name="Hidden").pk, name="Hidden")
    narrowed = replace(world.admin.actor, project_id=ProjectId(hidden.pk))
    for _again in range(2):
        assert seen(world.admin.actor) == {str(world.project.pk), str(hidden.pk)}
        assert seen(world.dev.actor) == seen(world.viewer.actor) == {str(world.project.pk)}
        assert seen(world.stranger.actor) == {str(world.other_project.pk)}
        assert seen(narrowed) == {str(hidden.pk)}
        assert seen(replace(narrowed, project_id=ProjectId(world.project.pk))) == {str(world.project.pk)}
        assert seen(replace(world.dev.actor, grants={})) == set()


def test_an_id_that_is_seen_by_one_is_not_by_another(world: World) -> None:
    for _again in range(2):
        assert access_project(world.dev.actor, world.project.pk) == world.project
        for stranger, wanted in ((world.stranger, world.project), (world.dev, world.other_project)):
            with pytest.raises(ProjectNotFound):
                access_project(stranger.actor, wanted.pk)


def test_sql_is_made_once_for_a_shape(world: World) -> None:
    made: list[Actor] = []

    def build(actor: Actor, *, slug: str) -> Any:
        made.append(actor)
        return visible_projects(actor).filter(slug=slug)

    query: Prepared[Project] = Prepared(build)
    for who, project in ((world.admin, world.project), (world.stranger, world.other_project)) * 2:
        with tenant(who.actor.organization_id):
            assert query.rows(who.actor, slug=project.slug) == [project]
    known = {world.acme.pk, world.other.pk, world.admin.person.pk, world.stranger.person.pk}
    assert len(made) == len({world.project.slug, world.other_project.slug})
    assert not known & {id_ for actor in made for id_ in (actor.organization_id, actor.person_id, *actor.grants)}


def test_rows_are_read_inside_of_their_organization_only(world: World) -> None:
    query: Prepared[Project] = Prepared(visible_projects)
    with pytest.raises(UnscopedRead):
        query.rows(world.dev.actor)
    with tenant(world.other.pk):
        assert query.rows(world.dev.actor) == []


def test_what_could_not_be_kept_rightly_is_refused(world: World) -> None:
    def of_everybody(_actor: Actor) -> Any:
        return Team.objects.across_organizations(because="it is refused")

    def written_out(actor: Actor, id_: UUID) -> Any:
        return visible_projects(actor).filter(name=f"about {id_}")

    def as_text(actor: Actor, id_: UUID) -> Any:
        return visible_projects(actor).annotate(words=Value(str(id_)))

    with tenant(world.acme.pk):
        with pytest.raises(RuntimeError, match="must name the organization"):
            Prepared(of_everybody).rows(world.admin.actor)
        for build in (written_out, as_text):
            with pytest.raises(RuntimeError, match="compare ids with columns only"):
                Prepared(build).rows(world.admin.actor, world.project.pk)
