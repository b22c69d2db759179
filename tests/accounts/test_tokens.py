# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""API tokens: shown once, kept as a hash, ended at once."""

import re
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from accounts.errors import NameInvalid, ProjectNotFound, TokenNotFound
from accounts.models import ApiToken, AuditEvent
from accounts.operations import tokens
from accounts.operations.tokens import actor_from_token, issue_token, revoke_token
from accounts.queries.tokens import list_organization_tokens, list_own_tokens
from accounts.roles import Permission, TokenScope
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import InvalidInput, LimitReached, NotAllowed
from tests.factories import World


def test_a_token_looks_as_promised_and_no_two_are_alike(world: World) -> None:
    values = {issue_token(world.dev.actor, name="CI").value for _ in range(5)}
    assert len(values) == 5
    assert all(re.fullmatch(r"cos_pat_[0-9A-Za-z]{30}[0-9A-Za-z]{6}", value) for value in values)


def test_only_a_keyed_hash_is_kept(committed_world: World, truth: psycopg.Connection) -> None:
    value = issue_token(committed_world.dev.actor, name="CI").value
    rows = truth.execute("select t::text from accounts_apitoken t").fetchall()
    rows += truth.execute("select e::text from accounts_auditevent e").fetchall()
    assert not any(value in row[0] or value[8:38] in row[0] for row in rows)


def test_a_token_speaks_for_its_person_within_its_scopes(world: World) -> None:
    found = actor_from_token(issue_token(world.dev.actor, name="CI", scopes=[TokenScope.READ]).value)
    assert found is not None
    person, actor = found
    assert person == world.dev.person
    assert actor.may(Permission.SEE, world.project)
    assert not actor.may(Permission.WRITE_FILES, world.project)


def test_it_ends_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    value = issue_token(world.dev.actor, name="CI", expires_at=clock.now() + timedelta(days=7)).value
    assert actor_from_token(value) is not None
    then = clock.now() + timedelta(days=7, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: then)
    assert actor_from_token(value) is None


@pytest.mark.parametrize("days", [-1, 0, 366, 10_000])
def test_no_token_is_born_dead_or_lives_for_ever(world: World, days: int) -> None:
    with pytest.raises(InvalidInput, match="365 days"):
        issue_token(world.dev.actor, name="CI", expires_at=clock.now() + timedelta(days=days))
    assert issue_token(world.dev.actor, name="CI").token.expires_at < clock.now() + timedelta(days=366)


def test_what_cannot_be_made_is_refused(world: World) -> None:
    with pytest.raises(NameInvalid):
        issue_token(world.dev.actor, name="a\x00b")
    with pytest.raises(InvalidInput, match="at least one scope"):
        issue_token(world.dev.actor, name="CI", scopes=[])
    with pytest.raises(ProjectNotFound):
        issue_token(world.dev.actor, name="CI", project=world.other_project)
    assert len(list_own_tokens(world.dev.actor).rows) == 1


def test_a_token_makes_no_tokens(world: World) -> None:
    found = actor_from_token(world.admin.token)
    assert found is not None
    with pytest.raises(NotAllowed):
        issue_token(found[1], name="Child")


def test_there_is_an_end_to_making_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    second = issue_token(world.dev.actor, name="CI").token
    with pytest.raises(LimitReached):
        issue_token(world.dev.actor, name="One too many")
    revoke_token(world.dev.actor, token_id=second.pk)
    issue_token(world.dev.actor, name="There is room again")


def test_revoking_works_at_once_and_twice(world: World) -> None:
    issued = issue_token(world.dev.actor, name="CI")
    for _ in range(2):
        revoke_token(world.dev.actor, token_id=issued.token.pk)
    assert actor_from_token(issued.value) is None
    with tenant(world.acme.id):
        assert AuditEvent.objects.for_organization(world.acme.id).filter(action="token.revoked").count() == 1


def test_others_tokens_are_not_found_but_admins_end_them(world: World) -> None:
    issued = issue_token(world.dev.actor, name="CI")
    for someone in (world.viewer, world.lead, world.stranger):
        with pytest.raises(TokenNotFound):
            revoke_token(someone.actor, token_id=issued.token.pk)
    assert actor_from_token(issued.value) is not None
    assert issued.token.pk in {row.pk for row in list_organization_tokens(world.admin.actor).rows}
    revoke_token(world.admin.actor, token_id=issued.token.pk)
    assert actor_from_token(issued.value) is None


def test_a_token_ends_itself_but_not_its_sisters(world: World) -> None:
    sister = issue_token(world.dev.actor, name="Sister")
    found = actor_from_token(world.dev.token)
    assert found is not None
    with pytest.raises(NotAllowed):
        revoke_token(found[1], token_id=sister.token.pk)
    assert found[1].token_id is not None
    revoke_token(found[1], token_id=found[1].token_id)
    assert actor_from_token(world.dev.token) is None
    assert actor_from_token(sister.value) is not None


def test_use_is_noted_but_not_at_every_call(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    value = issue_token(world.dev.actor, name="CI").value

    def last_use() -> Any:
        with tenant(world.acme.id):
            return ApiToken.objects.for_organization(world.acme.id).get(name="CI").last_used_at

    actor_from_token(value)
    first = last_use()
    assert first is not None
    actor_from_token(value)
    assert last_use() == first
    then = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: then)
    actor_from_token(value)
    assert last_use() == then


def test_made_in_the_browser_and_used_by_a_program(world: World, client: Any, api: Any) -> None:
    client.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    body = {"name": "CI", "scopes": ["read", "run"], "expires_in_days": 30, "project_id": "main"}
    answer = client.post("/api/v1/tokens/", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    assert answer["Cache-Control"] == "no-store"
    made = answer.json()
    assert made["scopes"] == ["read", "run"]
    me = api(made["token"]).get("/api/v1/me/").json()
    assert me["permissions"] == ["see", "run_flows"]
    assert me["project_id"] == str(world.project.pk)
    # shown once
    listed = client.get("/api/v1/tokens/").json()["results"]
    assert listed[0]["hint"] == made["token"][-4:]
    assert made["token"] not in str(listed)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": "read"},
        {"name": "x", "scopes": ["read"], "expires_in_days": 31},
        {"name": "x", "scopes": ["read"], "expires_in_days": "never"},
        {"name": "a\u0000b", "scopes": ["read"]},
        [],
        None,
        "x",
    ],
)
def test_a_body_that_does_not_hold_together(world: World, client: Any, body: Any) -> None:
    client.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/api/v1/tokens/", body, content_type="application/json")
    assert answer.status_code in (400, 422), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert len(list_own_tokens(world.dev.actor).rows) == 1
