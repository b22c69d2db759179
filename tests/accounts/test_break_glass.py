# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Break-glass: the only way of a system admin into an organization they are no member of."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from accounts import tasks
from accounts.actor import Actor
from accounts.errors import AlreadyMember, BreakGlassNotFound, BreakGlassOpen, OrganizationNotFound, ReasonNeeded
from accounts.middleware import SESSION_KEY
from accounts.models import AuditEvent, BreakGlass
from accounts.operations.break_glass import end_break_glass, enter_organization, leave_organization
from accounts.operations.tokens import issue_token
from accounts.queries.break_glass import active_break_glass, list_entered
from accounts.queries.grants import load_actor
from accounts.tenancy import tenant
from accounts.workers.break_glass import tell_admins
from codexos.kernel.errors import InvalidInput, NotAllowed
from tests.factories import Someone, World

REASON = "Ticket 4711: a flow hangs and nobody answers"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the messages that were sent to tell admins."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(tasks.tell_of_break_glass, "delay", lambda *ids: sent.append(ids))
    return sent


def enter(world: World, **changes: Any) -> Actor:
    """Let the system admin of Acme into Other."""
    asked = {"organization_id": world.other.id, "reason": REASON, "minutes": 30} | changes
    return enter_organization(world.system_admin.person, **asked)


def events(organization_id: UUID, *, action: str) -> list[AuditEvent]:
    with tenant(organization_id):
        return list(AuditEvent.objects.for_organization(organization_id).filter(action=action))


def let_time_pass(world: World) -> None:
    with tenant(world.other.id):
        rows = BreakGlass.objects.for_organization(world.other.id)
        rows.update(expires_at=rows.get().expires_at - timedelta(hours=2))


def test_without_it_a_system_admin_is_nobody_elsewhere(world: World) -> None:
    assert load_actor(world.system_admin.person, organization_id=world.other.id) is None
    assert list_entered(world.system_admin.person) == []


def test_inside_everything_they_do_is_marked(world: World) -> None:
    actor = enter(world)
    issue_token(actor, name="while inside")
    with tenant(world.other.id):
        entry = BreakGlass.objects.for_organization(world.other.id).get()
    for action in ("break_glass.entered", "token.issued"):
        (event,) = events(world.other.id, action=action)[-1:]
        assert event.break_glass_id == entry.id
        assert event.actor_label == world.system_admin.person.email
    assert events(world.other.id, action="break_glass.entered")[0].details["reason"] == REASON
    assert events(world.acme.id, action="break_glass.entered") == []


def test_only_system_admins_enter_and_others_learn_nothing(world: World) -> None:
    for who in (world.admin, world.dev, world.viewer):
        with pytest.raises(OrganizationNotFound):
            enter_organization(who.person, organization_id=world.other.id, reason=REASON)
    with pytest.raises(OrganizationNotFound):
        enter(world, organization_id=world.project.id)
    world.system_admin.person.is_system_admin = False
    world.system_admin.person.save()
    with pytest.raises(OrganizationNotFound):
        enter(world)


@pytest.mark.parametrize("reason", ["", "because", " " * 30, "\x00" * 30, "x" * 2001])
def test_a_reason_that_says_nothing_is_refused(world: World, reason: str) -> None:
    with pytest.raises(ReasonNeeded):
        enter(world, reason=reason)
    assert events(world.other.id, action="break_glass.entered") == []


@pytest.mark.parametrize("minutes", [0, -5, 61])
def test_an_entry_lasts_an_hour_at_most(world: World, minutes: int) -> None:
    with pytest.raises(InvalidInput):
        enter(world, minutes=minutes)


def test_it_ends_by_time(world: World) -> None:
    enter(world)
    let_time_pass(world)
    assert load_actor(world.system_admin.person, organization_id=world.other.id) is None
    assert active_break_glass(world.stranger.actor) == []
    assert list_entered(world.system_admin.person) == []


def test_it_ends_by_the_admins_own_hand(world: World) -> None:
    enter(world)
    leave_organization(world.system_admin.person, organization_id=world.other.id)
    assert load_actor(world.system_admin.person, organization_id=world.other.id) is None
    assert len(events(world.other.id, action="break_glass.ended")) == 1
    with pytest.raises(BreakGlassNotFound):
        leave_organization(world.system_admin.person, organization_id=world.other.id)


def test_the_organization_can_end_it_and_another_cannot(world: World) -> None:
    enter(world)
    (entered,) = active_break_glass(world.stranger.actor)
    with pytest.raises(BreakGlassNotFound):
        end_break_glass(world.admin.actor, break_glass_id=entered.id)
    with pytest.raises(NotAllowed):
        end_break_glass(world.dev.actor, break_glass_id=entered.id)
    end_break_glass(world.stranger.actor, break_glass_id=entered.id)
    assert load_actor(world.system_admin.person, organization_id=world.other.id) is None


def test_the_organization_sees_it_in_a_banner_and_others_do_not(world: World) -> None:
    enter(world)
    (entered,) = active_break_glass(world.stranger.actor)
    assert (entered.email, entered.reason) == (world.system_admin.person.email, REASON)
    assert active_break_glass(world.admin.actor) == []
    assert [belonging.slug for belonging in list_entered(world.system_admin.person)] == ["other"]
    assert list_entered(world.dev.person) == []


def test_its_admins_are_told_by_mail(
    world: World, told: list[tuple[str, str]], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        enter(world)
    ((organization_id, break_glass_id),) = told
    assert organization_id == str(world.other.id)
    assert tell_admins(world.other.id, break_glass_id=UUID(break_glass_id)) == 1
    (letter,) = mail.outbox
    assert letter.to == [world.stranger.person.email]
    assert REASON in letter.body
    assert world.system_admin.person.email in letter.body
    assert "Other" in letter.subject


def test_one_enters_once_and_never_where_one_belongs(world: World) -> None:
    enter(world)
    with pytest.raises(BreakGlassOpen):
        enter(world)
    with pytest.raises(AlreadyMember):
        enter(world, organization_id=world.acme.id)


def test_a_token_made_inside_dies_with_the_entry(world: World, api: Callable[..., APIClient]) -> None:
    value = issue_token(enter(world), name="while inside").value
    assert api(value).get("/api/v1/me/").status_code == 200
    let_time_pass(world)
    assert api(value).get("/api/v1/me/").status_code == 401


def test_a_token_of_an_earlier_entry_stays_dead(world: World, api: Callable[..., APIClient]) -> None:
    value = issue_token(enter(world), name="while inside").value
    leave_organization(world.system_admin.person, organization_id=world.other.id)
    enter(world)
    assert api(value).get("/api/v1/me/").status_code == 401


def test_in_the_browser_the_organization_is_there_only_meanwhile(world: World) -> None:
    client = browser_of(world.system_admin, organization_id=world.other.id)
    assert client.get("/api/v1/me/").json()["organization"]["slug"] == "acme"
    enter(world)
    assert client.get("/api/v1/me/").json()["organization"]["slug"] == "other"
    let_time_pass(world)
    assert client.get("/api/v1/me/").json()["organization"]["slug"] == "acme"


def browser_of(who: Someone, *, organization_id: UUID) -> Client:
    """Return a browser in which somebody has chosen an organization."""
    client = Client()
    client.force_login(who.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session[SESSION_KEY] = str(organization_id)
    session.save()
    return client
