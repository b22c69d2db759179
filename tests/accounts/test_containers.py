# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Teams and projects: who sees them, who changes them, what stays while something stands inside."""

from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db.models import ProtectedError

from accounts.errors import NameInvalid, NotEmpty, ProjectNotFound, SlugTaken, TeamNotFound
from accounts.models import AuditEvent, Project, Team
from accounts.operations.deletion import delete_or_refuse
from accounts.operations.members import change_member
from accounts.operations.projects import change_project, create_project, delete_project
from accounts.operations.teams import change_team, create_team, delete_team
from accounts.operations.tokens import actor_from_token, issue_token
from accounts.queries.grants import load_actor
from accounts.queries.members import access_member
from accounts.queries.projects import access_project, list_projects, only_project
from accounts.queries.teams import access_team, list_teams
from accounts.roles import Permission
from accounts.tenancy import tenant
from codexos.kernel.errors import InvalidInput, NotAllowed
from tests.accounts.racing import together
from tests.factories import World


def test_a_team_is_seen_by_its_people_and_by_admins(world: World) -> None:
    hidden = create_team(world.admin.actor, name="Night shift")
    project = create_project(world.admin.actor, team=hidden.pk, name="Owls")
    for someone in (world.lead, world.dev, world.viewer):
        with pytest.raises(TeamNotFound):
            access_team(someone.actor, hidden.pk)
        with pytest.raises(ProjectNotFound):
            access_project(someone.actor, "owls")
        assert [row.slug for row in list_teams(someone.actor).rows] == ["core"]
        assert [row.slug for row in list_projects(someone.actor).rows] == ["main"]
    for someone in (world.admin, world.system_admin):
        assert access_team(someone.actor, "night-shift").pk == hidden.pk
        assert access_project(someone.actor, project.pk).team == hidden
        assert len(list_projects(someone.actor).rows) == 2


def test_a_person_let_into_the_team_sees_it_from_then_on(world: World) -> None:
    create_team(world.admin.actor, name="Night shift")
    member = access_member(world.dev.actor, "me")
    change_member(world.admin.actor, member.pk, teams=["night-shift"])
    dev = load_actor(world.dev.person, organization_id=world.acme.id)
    assert dev is not None
    assert [row.slug for row in list_teams(dev).rows] == ["night-shift"]
    with pytest.raises(TeamNotFound):
        access_team(dev, "core")


def test_seeing_is_not_changing(world: World) -> None:
    for someone in (world.dev, world.viewer):
        with pytest.raises(NotAllowed, match="manage projects"):
            create_project(someone.actor, team="core", name="Mine")
        with pytest.raises(NotAllowed):
            change_project(someone.actor, "main", name="Mine")
        with pytest.raises(NotAllowed):
            delete_project(someone.actor, "main")
    with pytest.raises(NotAllowed):
        change_team(world.lead.actor, "core", name="Mine")
    with tenant(world.acme.id):
        assert Project.objects.for_organization(world.acme.id).get().name == "Main"


@pytest.mark.parametrize("name", ["", "a\x00b", "../../x", "x" * 200, "☃", "MAIN"])
def test_asking_by_an_odd_name_finds_nothing(world: World, name: str) -> None:
    with pytest.raises(ProjectNotFound):
        access_project(world.admin.actor, name)
    with pytest.raises(TeamNotFound):
        access_team(world.admin.actor, name)


def test_a_project_moves_only_between_teams_one_leads(world: World) -> None:
    create_team(world.admin.actor, name="Night shift")
    with pytest.raises(TeamNotFound):
        change_project(world.lead.actor, "main", team="night-shift")
    assert change_project(world.admin.actor, "main", team="night-shift").team.slug == "night-shift"
    with pytest.raises(ProjectNotFound):
        access_project(world.lead.actor, "main")


def test_short_names_of_projects_are_one_per_organization(world: World) -> None:
    with pytest.raises(SlugTaken):
        create_project(world.lead.actor, team="core", name="Other", slug="main")
    assert create_project(world.lead.actor, team="core", name="Main").slug.startswith("main-")


def test_a_description_has_lines_but_no_nul(world: World) -> None:
    made = create_project(world.lead.actor, team="core", name="Two", description=" one\ntwo ")
    assert made.description == "one\ntwo"
    with pytest.raises(NameInvalid) as refusal:
        change_project(world.lead.actor, "two", description="a\x00")
    assert refusal.value.details["errors"][0]["place"] == "description"


def test_a_team_with_projects_stays(world: World) -> None:
    with pytest.raises(NotEmpty, match="holds 1 project"):
        delete_team(world.admin.actor, "core")
    assert access_team(world.dev.actor, "core")
    with tenant(world.acme.id):
        assert not AuditEvent.objects.for_organization(world.acme.id).filter(action="team.deleted").exists()


def test_an_empty_team_goes_and_takes_its_grants_along(world: World) -> None:
    delete_project(world.admin.actor, "main")
    delete_team(world.admin.actor, "core")
    assert not Group.objects.filter(name__startswith=f"team:{world.team.pk}:").exists()
    dev = load_actor(world.dev.person, organization_id=world.acme.id)
    assert dev is not None
    assert dev.grants == {}


def test_what_a_floor_above_holds_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def protected(*_: Any, **__: Any) -> None:
        raise ProtectedError("held", {world.team})

    monkeypatch.setattr(Project, "delete", protected)
    with pytest.raises(NotEmpty, match=r"still holds 1 teams\. Delete or move") as refusal:
        delete_project(world.admin.actor, "main")
    assert refusal.value.details["holds"] == {"teams": 1}


def test_what_only_the_database_knows_of_is_noticed_in_time(committed_world: World, truth: psycopg.Connection) -> None:
    world = committed_world
    truth.execute("create table held (project uuid references accounts_project deferrable initially deferred)")
    try:
        truth.execute("insert into held values (%s)", [world.project.pk])
        with pytest.raises(NotEmpty, match="something"):
            delete_project(world.admin.actor, "main")
        assert access_project(world.admin.actor, "main")
    finally:
        truth.execute("drop table held")


def test_deleting_a_team_while_somebody_makes_a_project_in_it(committed_world: World) -> None:
    world = committed_world
    create_team(world.admin.actor, name="Short lived")
    made, deleted = together(
        lambda: create_project(world.system_admin.actor, team="short-lived", name="Late"),
        lambda: delete_team(world.admin.actor, "short-lived"),
    )
    if isinstance(made, Project):
        assert isinstance(deleted, NotEmpty)
    else:
        assert isinstance(made, TeamNotFound)
        assert deleted is None


def test_the_only_project(world: World) -> None:
    assert only_project(world.dev.actor).pk == world.project.pk
    create_project(world.lead.actor, team="core", name="Two")
    with pytest.raises(InvalidInput, match="main, two") as refusal:
        only_project(world.dev.actor)
    assert refusal.value.details["candidates"] == ["main", "two"]
    found = actor_from_token(issue_token(world.dev.actor, name="One", project=world.project).value)
    assert found is not None
    assert only_project(found[1]).pk == world.project.pk


def test_nobody_sees_no_project(world: World) -> None:
    delete_project(world.admin.actor, "main")
    with pytest.raises(InvalidInput, match="no project yet"):
        only_project(world.dev.actor)


def test_a_permission_is_asked_where_the_thing_stands(world: World) -> None:
    assert access_project(world.dev.actor, "main", to=Permission.WRITE_FILES)
    with pytest.raises(NotAllowed):
        access_project(world.viewer.actor, "main", to=Permission.WRITE_FILES)
    with pytest.raises(ProjectNotFound):
        access_project(world.stranger.actor, world.project.pk)


def test_lists_page_and_cost_the_same_however_long(world: World, api: Any, django_assert_max_num_queries: Any) -> None:
    for number in range(7):
        create_project(world.lead.actor, team="core", name=f"P{number}")
    first = api(world.dev).get("/api/v1/projects/?limit=5").json()
    assert len(first["results"]) == 5
    second = api(world.dev).get(first["next"]).json()
    assert [row["slug"] for row in first["results"] + second["results"]] == [
        *(f"p{number}" for number in reversed(range(7))),
        "main",
    ]
    assert second["next"] is None
    with django_assert_max_num_queries(16):
        api(world.dev).get("/api/v1/projects/")


def test_an_edit_of_an_older_state_is_refused(world: World, api: Any) -> None:
    address = "/api/v1/projects/main/"
    etag = api(world.lead).get(address)["ETag"]
    change = api(world.lead).patch(address, {"name": "New"}, format="json", HTTP_IF_MATCH=etag)
    assert change.status_code == 200
    stale = api(world.admin).patch(address, {"name": "Old"}, format="json", HTTP_IF_MATCH=etag)
    assert stale.status_code == 412
    fresh = api(world.admin).patch(address, {"name": "Newer"}, format="json", HTTP_IF_MATCH=change["ETag"])
    assert fresh.json()["name"] == "Newer"


def test_deletion_knows_no_sql_of_others(world: World) -> None:
    with tenant(world.acme.id):
        empty = Team.objects.create(organization_id=world.acme.id, name="E", slug="e")
        delete_or_refuse(empty, kind="team")
        assert not Team.objects.for_organization(world.acme.id).filter(slug="e").exists()
