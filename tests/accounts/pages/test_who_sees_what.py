# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every settings page for every role, a stranger and nobody: what opens, and what is not on it."""

import pytest
from django.http import HttpResponse
from django.urls import reverse

from accounts.queries.invitations import list_invitations
from accounts.queries.members import list_members
from accounts.queries.tokens import list_own_tokens
from accounts.roles import Role
from tests.accounts.pages.conftest import Browse
from tests.factories import Someone, World

ADMINS = {Role.SYSTEM_ADMIN, Role.ORG_ADMIN}
MANAGERS = {*ADMINS, Role.TEAM_LEAD}
EVERYBODY = set(Role)

OPEN_TO = {
    "members": EVERYBODY,
    "teams": EVERYBODY,
    "projects": EVERYBODY,
    "tokens": EVERYBODY,
    "new-token": EVERYBODY,
    "organization-settings": EVERYBODY,
    "found-organization": EVERYBODY,
    "leave-organization": EVERYBODY,
    "profile": EVERYBODY,
    "new-project": MANAGERS,
    "invite-member": ADMINS,
    "new-team": ADMINS,
    "audit": ADMINS,
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("page", OPEN_TO)
def test_a_page_opens_for_the_roles_it_is_for(world: World, browse: Browse, page: str, role: Role) -> None:
    answer = browse(world.members[role]).get(reverse(page))
    assert answer.status_code == (200 if role in OPEN_TO[page] else 403)


@pytest.mark.parametrize("page", OPEN_TO)
def test_nobody_is_led_to_the_sign_in_and_back(world: World, browse: Browse, page: str) -> None:
    address = reverse(page)
    answer = browse().get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('account_login')}?next={address}")


@pytest.mark.parametrize("role", list(Role))
def test_controls_are_shown_only_to_who_may_use_them(world: World, browse: Browse, role: Role) -> None:
    browser, is_admin = browse(world.members[role]), role in ADMINS
    members, teams = _text(browser.get(reverse("members"))), _text(browser.get(reverse("teams")))
    team, projects = _text(browser.get(reverse("team", args=["core"]))), _text(browser.get(reverse("projects")))
    project = _text(browser.get(reverse("project", args=["main"])))
    organization = _text(browser.get(reverse("organization-settings")))
    words = [word in members for word in ('name="role"', "Second factor")]
    assert words == [is_admin, is_admin]
    assert (reverse("invite-member") in members) is is_admin
    assert (reverse("new-team") in teams) is is_admin
    assert (reverse("delete-team", args=["core"]) in team) is is_admin
    assert (reverse("new-project") in projects) is (role in MANAGERS)
    assert (reverse("delete-project", args=["main"]) in project) is (role in MANAGERS)
    assert ('name="slug"' in organization) is is_admin
    assert (reverse("audit") in members) is is_admin


@pytest.mark.parametrize("role", list(Role))
def test_the_matrix_marks_the_readers_own_role(world: World, browse: Browse, role: Role) -> None:
    text = _text(browse(world.members[role]).get(reverse("members")))
    assert text.count('class="mine"') == 12
    assert f"You are a{'n organization admin' if role is Role.ORG_ADMIN else ''}" in text


@pytest.mark.parametrize("somebody", ["viewer", "dev", "lead"])
def test_deeds_of_admins_are_refused_to_the_others(world: World, browse: Browse, somebody: str) -> None:
    browser, member = browse(getattr(world, somebody)), _membership(world.dev)
    for route, argument in (
        ("member-role", member),
        ("member", member),
        ("remove-member", member),
        ("delete-team", "core"),
    ):
        answer = browser.post(reverse(route, args=[argument]), {"role": "org_admin"})
        assert answer.status_code == 403, route
    assert browser.post(reverse("invite-member"), {"email": "x@y.example", "role": "viewer"}).status_code == 403
    assert browser.post(reverse("team", args=["core"]), {"name": "Mine", "slug": "mine"}).status_code == 403
    answer = browser.post(reverse("organization-settings"), {"name": "Mine", "slug": "mine"})
    assert answer.status_code == 403
    assert _role(world.dev) == Role.DEVELOPER


def test_a_stranger_finds_nothing_of_the_others(world: World, browse: Browse) -> None:
    browser, member = browse(world.stranger), _membership(world.dev)
    token = list_own_tokens(world.dev.actor).rows[0].pk
    for route, argument in (
        ("member", member),
        ("remove-member", member),
        ("team", world.team.pk),
        ("delete-team", world.team.pk),
        ("project", world.project.pk),
        ("delete-project", world.project.pk),
        ("revoke-token", token),
    ):
        address = reverse(route, args=[argument])
        assert browser.get(address).status_code == 404, route
        assert browser.post(address, {"confirm": "main", "role": "viewer", "name": "x", "slug": "x"}).status_code == 404
    assert _role(world.dev) == Role.DEVELOPER
    assert "acme.example" not in _text(browser.get(reverse("members")))


def test_what_is_written_needs_the_guard_against_forgery(world: World) -> None:
    from django.test import Client

    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(world.admin.person)
    for route, body in (
        ("invite-member", {"email": "x@y.example", "role": "viewer"}),
        ("new-team", {"name": "Forged"}),
        ("new-token", {"name": "Forged", "scopes": "read", "days": "7"}),
        ("leave-organization", {}),
        ("switch_organization", {"organization": str(world.acme.pk)}),
        ("set_theme", {"theme": "dark"}),
        ("profile", {"name": "Forged"}),
    ):
        assert browser.post(reverse(route), body).status_code == 403, route
    assert not list_invitations(world.admin.actor).rows


def _membership(someone: Someone) -> str:
    rows = list_members(someone.actor).rows
    return str(next(row.pk for row in rows if row.person_id == someone.person.pk))


def _role(someone: Someone) -> str:
    return next(row.role for row in list_members(someone.actor).rows if row.person_id == someone.person.pk)


def _text(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    return answer.content.decode()
