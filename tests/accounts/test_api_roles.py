# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Every address of accounts against nobody, a stranger, five roles and tokens of every scope."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Membership, Project, Team
from accounts.operations.invitations import invite
from accounts.operations.teams import create_team
from accounts.operations.tokens import issue_token
from accounts.roles import Role, TokenScope
from accounts.tenancy import tenant
from tests.factories import World

Api = Callable[..., Any]
pytestmark = pytest.mark.django_db

ROLES = [role.value for role in Role]
ADMINS = {"system_admin", "org_admin"}
LEADS = ADMINS | {"team_lead"}
EVERYBODY = set(ROLES)


def member_id(world: World, name: str = "viewer") -> str:
    with tenant(world.acme.id):
        person = getattr(world, name).person
        return str(Membership.objects.for_organization(world.acme.id).get(person=person).pk)


def addresses(world: World) -> dict[str, tuple[str, str, Any, int, set[str]]]:
    """Return method, address, body, the answer to those who may, and who may; everybody else in Acme gets 403."""
    invitation = invite(world.admin.actor, email="new@acme.example", role=Role.VIEWER)
    token = issue_token(world.admin.actor, name="Spare").token
    empty = create_team(world.admin.actor, name="Empty")
    member, team, project = member_id(world), world.team.slug, world.project.id
    return {
        "me": ("get", "me/", None, 200, EVERYBODY),
        "own organization": ("get", "organizations/acme/", None, 200, EVERYBODY),
        "organizations": ("get", "organizations/", None, 200, EVERYBODY),
        "rename organization": ("patch", "organizations/acme/", {"name": "Acme 2"}, 200, ADMINS),
        "teams": ("get", "teams/", None, 200, EVERYBODY),
        "team": ("get", f"teams/{team}/", None, 200, EVERYBODY),
        "make team": ("post", "teams/", {"name": "Second"}, 201, ADMINS),
        "rename team": ("patch", f"teams/{team}/", {"name": "Kernel"}, 200, ADMINS),
        "delete team": ("delete", f"teams/{empty.slug}/", None, 204, ADMINS),
        "projects": ("get", "projects/", None, 200, EVERYBODY),
        "project": ("get", f"projects/{project}/", None, 200, EVERYBODY),
        "make project": ("post", "projects/", {"name": "Two", "team": team}, 201, LEADS),
        "change project": ("patch", f"projects/{project}/", {"description": "Ours."}, 200, LEADS),
        "delete project": ("delete", f"projects/{project}/", None, 204, LEADS),
        "members": ("get", "members/", None, 200, EVERYBODY),
        "member": ("get", f"members/{member}/", None, 200, EVERYBODY),
        "change member": ("patch", f"members/{member}/", {"role": "developer"}, 200, ADMINS),
        "remove member": ("delete", f"members/{member}/", None, 204, ADMINS),
        "invitations": ("get", "invitations/", None, 200, ADMINS),
        "invitation": ("get", f"invitations/{invitation.pk}/", None, 200, ADMINS),
        "invite": ("post", "invitations/", {"email": "b@acme.example", "role": "viewer"}, 201, ADMINS),
        "withdraw": ("delete", f"invitations/{invitation.pk}/", None, 204, ADMINS),
        "resend": ("post", f"invitations/{invitation.pk}/resend/", None, 429, ADMINS),
        "tokens": ("get", "tokens/", None, 200, EVERYBODY),
        "everybody's tokens": ("get", "tokens/?of=everyone", None, 200, ADMINS),
        "another's token": ("get", f"tokens/{token.pk}/", None, 200, ADMINS),
        "revoke another's": ("delete", f"tokens/{token.pk}/", None, 204, ADMINS),
    }


# Somebody else's token, and a team one is not in, are not seen: 404 rather than 403.
UNSEEN = {"another's token", "revoke another's", "delete team"}
NAMES = [
    "me", "own organization", "organizations", "rename organization", "teams", "team", "make team", "rename team",
    "delete team", "projects", "project", "make project", "change project", "delete project", "members", "member",
    "change member", "remove member", "invitations", "invitation", "invite", "withdraw", "resend", "tokens",
    "everybody's tokens", "another's token", "revoke another's",
]  # fmt: skip


def call(client: Any, method: str, address: str, body: Any) -> Any:
    return getattr(client, method)(f"/api/v1/{address}", body, format="json" if body is not None else None)


@pytest.mark.parametrize("name", NAMES)
def test_each_role_gets_what_the_matrix_says(world: World, api: Api, name: str) -> None:
    method, address, body, success, allowed = addresses(world)[name]
    refusal = 404 if name in UNSEEN else 403
    for role, someone in world.members.items():
        with transaction.atomic():
            answer = call(api(someone), method, address, body)
            # Undone, so that the next role finds everything as it was.
            transaction.set_rollback(True)
        assert answer.status_code == (success if role in allowed else refusal), (role, answer.content)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_asked_to_sign_in(world: World, api: Api, name: str) -> None:
    method, address, body, _, _ = addresses(world)[name]
    answer = call(api(), method, address, body)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_does_not_learn_that_it_is_there(world: World, api: Api, name: str) -> None:
    method, address, body, _, _ = addresses(world)[name]
    words = str(call(api(world.stranger), method, address, body).content)
    for thing in ("Acme", "Alice", "admin@acme.example", str(world.acme.id)):
        assert thing not in words


@pytest.mark.parametrize(
    "address", ["organizations/{acme}/", "teams/{team}/", "projects/{project}/", "members/{member}/", "tokens/{token}/",
                "invitations/{invitation}/"]
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_strangers_id_is_not_found(world: World, api: Api, address: str, method: str) -> None:
    ids = {
        "acme": world.acme.id,
        "team": world.team.id,
        "project": world.project.id,
        "member": member_id(world),
        "token": issue_token(world.dev.actor, name="Spare").token.pk,
        "invitation": invite(world.admin.actor, email="new@acme.example", role=Role.VIEWER).pk,
    }
    body = {"role": "viewer"} if "{member}" in address else {"name": "Mine"}
    answer = call(api(world.stranger), method, address.format(**ids), body)
    assert answer.status_code in (404, 405), answer.content
    with tenant(world.acme.id):
        assert Project.objects.for_organization(world.acme.id).get().name == "Main"
        assert not Team.objects.for_organization(world.acme.id).filter(name="Mine").exists()


# Tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("make team", TokenScope.ADMIN),
        ("rename organization", TokenScope.ADMIN),
        ("invite", TokenScope.ADMIN),
        ("remove member", TokenScope.ADMIN),
        ("make project", TokenScope.WRITE),
        ("change project", TokenScope.WRITE),
    ],
)
def test_a_token_does_what_its_scope_says_and_no_more(world: World, api: Api, name: str, scope: TokenScope) -> None:
    method, address, body, success, _ = addresses(world)[name]
    others = [it for it in TokenScope if it is not scope]
    narrow = issue_token(world.admin.actor, name="Narrow", scopes=others).value
    assert call(api(narrow), method, address, body).status_code == 403
    wide = issue_token(world.admin.actor, name="Wide", scopes=[scope]).value
    assert call(api(wide), method, address, body).status_code == success


def test_a_token_is_never_wider_than_its_person(world: World, api: Api) -> None:
    everything = issue_token(world.viewer.actor, name="All scopes").value
    assert api(everything).post("/api/v1/teams/", {"name": "Mine"}, format="json").status_code == 403


def test_a_token_for_one_project_sees_that_one_only(world: World, api: Api) -> None:
    other = api(world.admin).post("/api/v1/projects/", {"name": "Two", "team": "core"}, format="json").json()
    token = issue_token(world.admin.actor, name="Narrow", project=world.project).value
    assert [row["slug"] for row in api(token).get("/api/v1/projects/").json()["results"]] == ["main"]
    assert api(token).get(f"/api/v1/projects/{other['id']}/").status_code == 404
    assert api(token).get("/api/v1/members/").status_code == 403
    assert api(token).post("/api/v1/teams/", {"name": "Mine"}, format="json").status_code == 403
    assert api(token).post("/api/v1/projects/", {"name": "Mine", "team": "core"}, format="json").status_code == 403
    assert api(token).delete("/api/v1/projects/main/").status_code == 403
    assert len(api(token).get("/api/v1/tokens/").json()["results"]) == 1


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("post", "tokens/", {"name": "Another", "scopes": ["read"]}),
        ("patch", "me/", {"theme": "dark"}),
        ("delete", "members/me/", None),
        ("post", "organizations/", {"name": "Another"}),
        ("post", "organizations/acme/choose/", None),
        ("post", "invitations/accept/", {"token": "x"}),
    ],
)
def test_what_concerns_the_person_is_not_done_by_token(
    world: World, api: Api, method: str, address: str, body: Any
) -> None:
    answer = call(api(world.admin), method, address, body)
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize("position", [0, 8, 20, 37, 38, 43])
def test_one_character_changed_costs_no_query(
    world: World, api: Api, position: int, django_assert_num_queries: Any
) -> None:
    good = world.dev.token
    changed = good[:position] + ("a" if good[position] != "a" else "b") + good[position + 1 :]
    with django_assert_num_queries(0):
        answer = api(changed).get("/api/v1/me/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "token_revoked"


@pytest.mark.parametrize("value", ["", "x", "cos_pat_", "cos_pat_\u00e9", "cos_pat_" + "0" * 36, "\x7f"])
def test_what_is_no_token_is_refused(world: World, api: Api, value: str) -> None:
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    assert client.get("/api/v1/me/").status_code == 401
