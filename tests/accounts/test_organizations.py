# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Founding, naming and choosing organizations."""

from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.test import Client

from accounts.errors import NameInvalid, OrganizationNotFound, SlugTaken
from accounts.models import AuditEvent, Organization, OutboxEvent, Project, Team
from accounts.operations.break_glass import enter_organization
from accounts.operations.organizations import (
    change_organization,
    choose_organization,
    ensure_personal_organization,
    found_organization,
)
from accounts.queries.grants import load_actor
from accounts.queries.lookups import list_belongings
from accounts.queries.organizations import allows_substitute_models
from accounts.roles import Permission, Role
from accounts.tenancy import tenant
from codexos.kernel.errors import NotAllowed
from tests.accounts.racing import together
from tests.factories import World, make_person


def test_a_person_may_found_more_than_one(world: World) -> None:
    second = found_organization(world.dev.person, name="Second home")
    assert second.slug == "second-home"
    assert {b.slug: b.role for b in list_belongings(world.dev.person.pk)} == {
        "acme": Role.DEVELOPER,
        "second-home": Role.ORG_ADMIN,
    }
    actor = load_actor(world.dev.person, organization_id=second.pk)
    assert actor is not None
    assert actor.may_in_organization(Permission.MANAGE_USERS)
    # and nothing more than before where they were
    assert not world.dev.actor.may_in_organization(Permission.MANAGE_USERS)


def test_founding_leaves_a_trail_and_sends_news(world: World) -> None:
    founded = found_organization(world.dev.person, name="Second home")
    with tenant(founded.pk):
        event = AuditEvent.objects.for_organization(founded.pk).get(action="organization.founded")
        assert event.actor_label == "dev@acme.example"
        assert OutboxEvent.objects.for_organization(founded.pk).filter(name="organization.created").count() == 1
        assert Team.objects.for_organization(founded.pk).count() == 1
        assert Project.objects.for_organization(founded.pk).count() == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "empty"),
        (" \t ", "U\\+0009"),
        ("   ", "empty"),
        ("a\x00b", "U\\+0000"),
        ("a\nb", "U\\+000A"),
        ("x" * 121, "at most 120"),
        ("evil\u202egnp.exe", "U\\+202E"),
        ("half \ud800", "U\\+D800"),
        ("\u200b", "seen"),
        ("\u00ad\u2060 \ufeff", "seen"),
        ("\u3164", "seen"),
        ("\u2800\u200d", "seen"),
        ("a\u2067b", "U\\+2067"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_clearly(world: World, name: str, says: str) -> None:
    with pytest.raises(NameInvalid, match=says) as refusal:
        found_organization(world.dev.person, name=name)
    assert refusal.value.details["errors"][0]["place"] == "name"
    assert len(list_belongings(world.dev.person.pk)) == 1


@pytest.mark.parametrize(
    "slug", ["Acme", "a b", "-a", "a-", "admin", "api", "me", "é", "x" * 64, "a\x00", "a_b", "0" * 32, "a/b", "."]
)
def test_a_short_name_that_cannot_be_used_is_refused_clearly(world: World, slug: str) -> None:
    with pytest.raises(NameInvalid) as refusal:
        found_organization(world.dev.person, name="Fine", slug=slug)
    assert refusal.value.details["errors"][0]["place"] == "slug"


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("Größe & Co", "groe-co"),
        ("日本語", "organization-"),
        ("Admin", "admin-"),
        ("Acme", "acme-"),
        ("_x_", "x"),
        ("👩\u200d🚀", "organization-"),
    ],
)
def test_any_letters_make_a_name_and_some_short_name_is_found(world: World, name: str, begins: str) -> None:
    founded = found_organization(world.dev.person, name=name)
    assert founded.name == name
    assert founded.slug.startswith(begins)


def test_a_taken_short_name_is_refused_and_nothing_is_left_behind(world: World) -> None:
    with pytest.raises(SlugTaken, match="acme"):
        found_organization(world.stranger.person, name="Mine", slug="acme")
    assert len(list_belongings(world.stranger.person.pk)) == 1


def test_two_who_want_one_short_name_at_once(committed_world: World) -> None:
    world = committed_world
    answers = together(
        lambda: found_organization(world.dev.person, name="Rush", slug="rush"),
        lambda: found_organization(world.lead.person, name="Rush", slug="rush"),
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Organization", "SlugTaken"]


def test_a_personal_organization_is_made_once_however_often_it_is_asked_for(
    committed: None, truth: psycopg.Connection
) -> None:
    person = make_person("new@home.example", name="New Person")
    answers = together(*[lambda: ensure_personal_organization(person)] * 4)
    assert answers == [None] * 4
    rows = truth.execute("select name, is_personal from accounts_organization").fetchall()
    assert rows == [("New Person", True)]


def test_the_personal_organization_of_an_odd_address(world: World) -> None:
    person = make_person("admin@odd.example")
    ensure_personal_organization(person)
    (belonging,) = list_belongings(person.pk)
    assert belonging.is_personal
    assert belonging.slug.startswith("admin-")


def test_an_admin_renames_and_the_trail_says_from_what(world: World) -> None:
    change_organization(world.admin.actor, name="Acme Works", slug="acme-works")
    with tenant(world.acme.id):
        assert Organization.objects.get().slug == "acme-works"
        event = AuditEvent.objects.for_organization(world.acme.id).get(action="organization.changed")
        assert event.details["before"] == {"name": "Acme", "slug": "acme"}


def test_renaming_to_the_same_is_no_deed(world: World) -> None:
    change_organization(world.admin.actor, name="Acme", slug="acme")
    with tenant(world.acme.id):
        assert not AuditEvent.objects.for_organization(world.acme.id).filter(action="organization.changed").exists()


def test_an_admin_forbids_substitutes_and_the_trail_says_so(world: World, api: Any) -> None:
    at = f"/api/v1/organizations/{world.acme.id}/"
    assert api(world.admin).get(at).json()["allows_substitute_models"] is True
    answer = api(world.admin).patch(at, {"allows_substitute_models": False}, format="json")
    assert (answer.status_code, answer.json()["allows_substitute_models"]) == (200, False)
    assert answer.json()["name"] == "Acme"
    with tenant(world.acme.id):
        event = AuditEvent.objects.for_organization(world.acme.id).get(action="organization.changed")
    assert (event.details["before"]["allows_substitute_models"], event.details["after"]) == (
        True,
        {"name": "Acme", "slug": "acme", "allows_substitute_models": False},
    )


@pytest.mark.parametrize("who", ["lead", "dev", "viewer"])
def test_others_do_not_forbid_substitutes(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        change_organization(getattr(world, who).actor, allows_substitute_models=False)
    assert allows_substitute_models(world.admin.actor)


def test_the_page_changes_what_it_was_sent_and_nothing_else(world: World) -> None:
    names = {"name": "Acme", "slug": "acme"}
    client = Client()
    client.force_login(world.admin.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post("/settings/organization/", {**names, "allows_substitute_models": "no"})
    assert not allows_substitute_models(world.admin.actor)
    client.post("/settings/organization/", names)
    assert not allows_substitute_models(world.admin.actor)
    assert client.post("/settings/organization/", {**names, "allows_substitute_models": "maybe"}).status_code == 422
    assert allows_substitute_models(world.stranger.actor)


def test_others_do_not_rename(world: World) -> None:
    for someone in (world.lead, world.dev, world.viewer):
        with pytest.raises(NotAllowed):
            change_organization(someone.actor, name="Mine")
    with tenant(world.acme.id):
        assert Organization.objects.get().name == "Acme"


def test_choosing_is_remembered(world: World) -> None:
    founded = found_organization(world.dev.person, name="Second home")
    assert choose_organization(world.dev.person, founded.slug).organization_id == founded.pk
    world.dev.person.refresh_from_db()
    assert world.dev.person.last_organization_id == founded.pk


@pytest.mark.parametrize("by", ["id", "slug"])
def test_choosing_where_one_does_not_belong(world: World, by: str) -> None:
    with pytest.raises(OrganizationNotFound):
        choose_organization(world.stranger.person, getattr(world.acme, by))
    world.stranger.person.refresh_from_db()
    assert world.stranger.person.last_organization_id is None


def signed_in(client: Any, person: Any) -> Any:
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_switching_in_the_browser_changes_where_one_acts(world: World, client: Any) -> None:
    founded = found_organization(world.dev.person, name="Second home")
    signed_in(client, world.dev.person)
    assert client.get("/api/v1/me/").json()["organization"]["slug"] == "acme"
    assert client.post(f"/api/v1/organizations/{founded.pk}/choose/").status_code == 200
    me = client.get("/api/v1/me/").json()
    assert (me["organization"]["slug"], me["role"]) == ("second-home", "org_admin")
    # a stranger's organization cannot be chosen, and nothing changes
    assert client.post(f"/api/v1/organizations/{world.other.pk}/choose/").status_code == 404
    assert client.get("/api/v1/me/").json()["organization"]["slug"] == "second-home"


def test_an_edit_of_an_older_state_is_refused(world: World, api: Any) -> None:
    etag = api(world.admin).get("/api/v1/organizations/acme/")["ETag"]
    change_organization(world.system_admin.actor, name="Changed meanwhile")
    stale = api(world.admin).patch("/api/v1/organizations/acme/", {"name": "X"}, format="json", HTTP_IF_MATCH=etag)
    assert stale.status_code == 412
    with transaction.atomic(), tenant(world.acme.id):
        assert Organization.objects.get().name == "Changed meanwhile"


def test_a_token_knows_its_own_organization_only(world: World, api: Any) -> None:
    found_organization(world.dev.person, name="Second home")
    me = api(world.dev).get("/api/v1/me/").json()
    assert [row["slug"] for row in me["organizations"]] == ["acme"]
    listed = api(world.dev).get("/api/v1/organizations/").json()
    assert [row["slug"] for row in listed["results"]] == ["acme"]
    assert api(world.dev).get("/api/v1/organizations/second-home/").status_code == 404


def test_an_organization_entered_under_break_glass_can_be_chosen(world: World) -> None:
    admin = world.system_admin.person
    with pytest.raises(OrganizationNotFound):
        choose_organization(admin, world.other.pk)
    enter_organization(admin, organization_id=world.other.pk, reason="A customer asked for help with a run.")
    assert choose_organization(admin, "other").role is Role.SYSTEM_ADMIN
    with pytest.raises(OrganizationNotFound):
        choose_organization(world.admin.person, "other")
