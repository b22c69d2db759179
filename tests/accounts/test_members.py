# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Roles, teams, leaving: grants follow at once, and an organization keeps an admin whatever happens."""

from typing import Any

import psycopg
import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore

from accounts.errors import AlreadyMember, LastAdmin, MemberNotFound, TeamNotFound
from accounts.models import ApiToken, AuditEvent, Membership, OutboxEvent, Person
from accounts.operations.grants import TEAM_ROLES
from accounts.operations.members import admit, change_member, leave_organization, remove_member
from accounts.operations.people import disable_person, enable_person
from accounts.operations.teams import create_team
from accounts.operations.tokens import actor_from_token
from accounts.queries.grants import load_actor
from accounts.queries.members import access_member, list_members, teams_of
from accounts.roles import MATRIX, Permission, Role
from accounts.tenancy import tenant
from codexos.kernel.errors import Conflict, InvalidInput, NotAllowed
from tests.accounts.racing import together
from tests.factories import Someone, World, make_person


def member_of(world: World, someone: Someone) -> Membership:
    with tenant(world.acme.id):
        return Membership.objects.for_organization(world.acme.id).get(person=someone.person)


def groups_of(person: Person) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


def sign_in(person: Person) -> str:
    session = SessionStore()
    session["_auth_user_id"] = str(person.pk)
    session.save()
    UserSession.objects.create(user=person, session_key=session.session_key, ip="127.0.0.1", user_agent="test")
    return str(session.session_key)


# Grants are exactly role and teams ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ORG_ADMIN, Role.TEAM_LEAD, Role.DEVELOPER, Role.VIEWER])
@pytest.mark.parametrize("teams", [[], ["core"], ["core", "second"], ["second"]])
def test_groups_are_exactly_role_and_teams(world: World, role: Role, teams: list[str]) -> None:
    second = create_team(world.admin.actor, name="Second")
    ids = {"core": world.team.pk, "second": second.pk}
    changed = change_member(world.admin.actor, member_of(world, world.dev).pk, role=role, teams=teams)
    assert [team.slug for team in teams_of(changed)] == sorted(teams)
    expected = (
        {f"organization:{world.acme.id}:org_admin"}
        if role is Role.ORG_ADMIN
        else {f"team:{ids[team]}:{role.value}" for team in teams}
    )
    assert groups_of(world.dev.person) == expected
    actor = load_actor(world.dev.person, organization_id=world.acme.id)
    assert actor is not None
    containers = [world.acme.id] if role is Role.ORG_ADMIN else [ids[team] for team in teams]
    assert actor.grants == dict.fromkeys(containers, MATRIX[role])


def test_changing_one_organization_leaves_the_others_grants(world: World) -> None:
    admit(world.dev.person, organization_id=world.other.id, role=Role.VIEWER, team_ids=[world.other_team.pk])
    remove_member(world.admin.actor, member_of(world, world.dev).pk)
    assert groups_of(world.dev.person) == {f"team:{world.other_team.pk}:viewer"}


def test_every_team_role_has_its_group(world: World) -> None:
    assert {role.value for role in TEAM_ROLES} | {"org_admin"} == {
        name.rsplit(":", 1)[1] for person in Person.objects.all() for name in groups_of(person)
    } | {role.value for role in TEAM_ROLES}


# Who may ----------------------------------------------------------------------------------------------------------


def test_only_who_manages_users_changes_members(world: World) -> None:
    viewer = member_of(world, world.viewer)
    for someone in (world.lead, world.dev, world.viewer):
        with pytest.raises(NotAllowed):
            change_member(someone.actor, viewer.pk, role=Role.ORG_ADMIN)
        with pytest.raises(NotAllowed):
            remove_member(someone.actor, viewer.pk)
    with pytest.raises(MemberNotFound):
        change_member(world.stranger.actor, viewer.pk, role=Role.ORG_ADMIN)
    assert member_of(world, world.viewer).role == Role.VIEWER


def test_nobody_is_made_system_admin_by_an_organization(world: World) -> None:
    with pytest.raises(InvalidInput, match="given by the platform"):
        change_member(world.admin.actor, member_of(world, world.dev).pk, role=Role.SYSTEM_ADMIN)


def test_a_team_of_another_organization_cannot_be_given(world: World) -> None:
    with pytest.raises(TeamNotFound):
        change_member(world.admin.actor, member_of(world, world.dev).pk, teams=[world.other_team.pk])
    assert [team.slug for team in teams_of(access_member(world.dev.actor, "me"))] == ["core"]


def test_members_see_each_other_but_only_the_teams_they_share(world: World) -> None:
    create_team(world.admin.actor, name="Night shift")
    change_member(world.admin.actor, member_of(world, world.lead).pk, teams=["core", "night-shift"])
    rows = {row.person.email: row for row in list_members(world.dev.actor).rows}
    assert len(rows) == 5
    assert [team.slug for team in teams_of(rows["lead@acme.example"])] == ["core"]
    assert "mallory@other.example" not in rows


def test_members_are_found_by_words_role_and_team(world: World) -> None:
    def found(**wanted: Any) -> set[str]:
        return {row.person.email.split("@")[0] for row in list_members(world.admin.actor, **wanted).rows}

    assert found(search="ALICE") == {"admin"}
    assert found(search="dev@ acme") == {"dev"}
    assert found(search="100%\x00'; drop table") == set()
    assert found(role=Role.VIEWER) == {"viewer"}
    assert found(team="core") == {"admin", "system", "lead", "dev", "viewer"}
    with pytest.raises(TeamNotFound):
        found(team=world.other_team.pk)


# Leaving ----------------------------------------------------------------------------------------------------------


def test_leaving_ends_everything_there(world: World) -> None:
    leave_organization(world.dev.actor)
    assert load_actor(world.dev.person, organization_id=world.acme.id) is None
    assert actor_from_token(world.dev.token) is None
    assert groups_of(world.dev.person) == set()
    with tenant(world.acme.id):
        assert AuditEvent.objects.for_organization(world.acme.id).filter(action="member.left").count() == 1
        assert OutboxEvent.objects.for_organization(world.acme.id).filter(name="member.left").count() == 1


def test_removing_ends_sessions_and_tokens_at_once(world: World) -> None:
    mine, others = sign_in(world.dev.person), sign_in(world.lead.person)
    remove_member(world.admin.actor, member_of(world, world.dev).pk)
    assert not SessionStore().exists(mine)
    assert actor_from_token(world.dev.token) is None
    assert not UserSession.objects.filter(user=world.dev.person).exists()
    # and nobody else's
    assert SessionStore().exists(others)
    assert actor_from_token(world.lead.token) is not None


def test_tokens_stay_ended_when_a_person_comes_back(world: World) -> None:
    remove_member(world.admin.actor, member_of(world, world.dev).pk)
    admit(world.dev.person, organization_id=world.acme.id, role=Role.DEVELOPER, team_ids=[])
    assert actor_from_token(world.dev.token) is None


def two_admins_only(world: World) -> None:
    change_member(world.admin.actor, member_of(world, world.dev).pk, role=Role.ORG_ADMIN)
    change_member(world.admin.actor, member_of(world, world.system_admin).pk, role=Role.VIEWER)


def test_the_last_admin_neither_leaves_nor_is_demoted_nor_removed(world: World) -> None:
    me = member_of(world, world.admin)
    change_member(world.admin.actor, member_of(world, world.system_admin).pk, role=Role.VIEWER)
    with pytest.raises(LastAdmin, match="Make somebody else an admin first"):
        leave_organization(world.admin.actor)
    with pytest.raises(LastAdmin):
        change_member(world.admin.actor, me.pk, role=Role.VIEWER)
    with pytest.raises(LastAdmin):
        remove_member(world.system_admin.actor, me.pk)
    assert member_of(world, world.admin).role == Role.ORG_ADMIN
    assert actor_from_token(world.admin.token) is not None


def test_a_disabled_admin_does_not_count(world: World) -> None:
    two_admins_only(world)
    disable_person(world.system_admin.person, person=world.dev.person)
    with pytest.raises(LastAdmin):
        leave_organization(world.admin.actor)


@pytest.mark.parametrize("deed", ["leave", "demote each other", "remove each other"])
def test_two_admins_at_once_leave_one(committed_world: World, truth: psycopg.Connection, deed: str) -> None:
    world = committed_world
    two_admins_only(world)
    dev = load_actor(world.dev.person, organization_id=world.acme.id)
    assert dev is not None
    ids = (member_of(world, world.admin).pk, member_of(world, world.dev).pk)
    deeds = {
        "leave": (lambda: leave_organization(world.admin.actor), lambda: leave_organization(dev)),
        "demote each other": (
            lambda: change_member(world.admin.actor, ids[1], role=Role.VIEWER),
            lambda: change_member(dev, ids[0], role=Role.VIEWER),
        ),
        "remove each other": (
            lambda: remove_member(world.admin.actor, ids[1]),
            lambda: remove_member(dev, ids[0]),
        ),
    }
    answers = together(*deeds[deed])
    assert sum(isinstance(answer, LastAdmin) for answer in answers) == 1, answers
    left = truth.execute(
        "select count(*) from accounts_membership where organization_id = %s and role = 'org_admin'", [world.acme.id]
    )
    assert left.fetchone() == (1,)


def test_nobody_joins_twice_even_at_once(committed_world: World) -> None:
    world = committed_world
    newcomer = make_person("new@acme.example")

    def join() -> Membership:
        return admit(newcomer, organization_id=world.acme.id, role=Role.VIEWER, team_ids=[world.team.pk])

    answers = together(join, join, join)
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyMember", "AlreadyMember", "Membership"]
    assert any(isinstance(answer, AlreadyMember) for answer in answers)


# Disabling --------------------------------------------------------------------------------------------------------


def test_disabling_ends_everything_everywhere(world: World, client: Any) -> None:
    admit(world.dev.person, organization_id=world.other.id, role=Role.VIEWER, team_ids=[])
    client.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    key = sign_in(world.dev.person)
    assert client.get("/api/v1/me/").status_code == 200
    disable_person(world.system_admin.person, person=world.dev.person)
    assert client.get("/api/v1/me/").status_code == 401
    assert not SessionStore().exists(key)
    assert actor_from_token(world.dev.token) is None
    for organization in (world.acme, world.other):
        with tenant(organization.pk):
            events = AuditEvent.objects.for_organization(organization.pk).filter(action="person.disabled")
            assert events.get().actor_label == "system@acme.example"


def test_enabling_does_not_bring_tokens_back(world: World) -> None:
    disable_person(world.system_admin.person, person=world.dev.person)
    enable_person(world.system_admin.person, person=world.dev.person)
    assert load_actor(world.dev.person, organization_id=world.acme.id) is not None
    assert actor_from_token(world.dev.token) is None
    with tenant(world.acme.id):
        tokens = ApiToken.objects.for_organization(world.acme.id).filter(person=world.dev.person)
        assert not tokens.filter(revoked_at=None).exists()


def test_only_a_system_admin_disables_and_not_themselves(world: World) -> None:
    with pytest.raises(NotAllowed):
        disable_person(world.admin.person, person=world.dev.person)
    with pytest.raises(Conflict):
        disable_person(world.system_admin.person, person=world.system_admin.person)
    assert Person.objects.filter(is_active=False).count() == 0


def test_the_same_change_twice_is_one_deed(world: World) -> None:
    viewer = member_of(world, world.viewer)
    for _ in range(2):
        change_member(world.admin.actor, viewer.pk, role=Role.DEVELOPER)
    with tenant(world.acme.id):
        (event,) = AuditEvent.objects.for_organization(world.acme.id).filter(action="member.changed")
        assert event.details == {
            "before": {"role": "viewer", "teams": ["core"]},
            "after": {"role": "developer", "teams": ["core"]},
        }


def test_a_change_reaches_the_next_request(world: World, api: Any) -> None:
    change_member(world.admin.actor, member_of(world, world.viewer).pk, role=Role.DEVELOPER)
    assert Permission.RUN_FLOWS in api(world.viewer).get("/api/v1/me/").json()["permissions"]
