# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Inviting, and accepting: once, in time, and only by whom the letter names."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.db import OperationalError

from accounts.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationExpired,
    InvitationNotFound,
    InvitationNotYours,
    InvitationUsed,
    TeamNotFound,
)
from accounts.models import AuditEvent, Invitation, Membership
from accounts.operations import invitations
from accounts.operations.invitations import accept_invitation, invite, resend_invitation, withdraw_invitation
from accounts.operations.organizations import change_organization
from accounts.queries.grants import load_actor
from accounts.queries.invitations import letter_token, list_invitations, peek_invitation
from accounts.roles import Permission, Role
from accounts.tasks import send_invitation
from accounts.tenancy import current_tenant, tenant
from accounts.workers.mail import mail_invitation
from codexos.kernel import clock
from codexos.kernel.errors import InvalidInput, LimitReached, NotAllowed
from tests.accounts.racing import together
from tests.factories import World, make_person

EMAIL = "newcomer@acme.example"


def invited(world: World, *, role: Role = Role.DEVELOPER, teams: tuple[str, ...] = ("core",)) -> Invitation:
    return invite(world.admin.actor, email=EMAIL, role=role, teams=teams)


def later(monkeypatch: pytest.MonkeyPatch, wait: timedelta) -> None:
    then = clock.now() + wait
    monkeypatch.setattr(clock, "now", lambda: then)


def members(world: World) -> set[str]:
    with tenant(world.acme.id):
        rows = Membership.objects.for_organization(world.acme.id).values_list("person__email", flat=True)
        return set(rows)


# Inviting ---------------------------------------------------------------------------------------------------------


def test_an_invited_person_joins_with_role_and_teams(world: World) -> None:
    invitation = invited(world)
    newcomer = make_person(EMAIL)
    accept_invitation(newcomer, letter_token(invitation.pk))
    actor = load_actor(newcomer, organization_id=world.acme.id)
    assert actor is not None
    assert actor.role is Role.DEVELOPER
    assert actor.may(Permission.WRITE_FILES, world.project)
    newcomer.refresh_from_db()
    assert newcomer.last_organization_id == world.acme.id
    with tenant(world.acme.id):
        event = AuditEvent.objects.for_organization(world.acme.id).get(action="invitation.accepted")
        assert event.actor_label == EMAIL


def test_only_who_manages_users_invites(world: World) -> None:
    for someone in (world.lead, world.dev, world.viewer):
        with pytest.raises(NotAllowed):
            invite(someone.actor, email=EMAIL, role=Role.VIEWER)
        with pytest.raises(NotAllowed):
            list_invitations(someone.actor)
    assert list_invitations(world.admin.actor).rows == []


def test_what_cannot_be_given_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="given by the platform"):
        invited(world, role=Role.SYSTEM_ADMIN)
    with pytest.raises(TeamNotFound):
        invite(world.admin.actor, email=EMAIL, role=Role.VIEWER, teams=[world.other_team.pk])
    with pytest.raises(AlreadyMember):
        invite(world.admin.actor, email="DEV@acme.example", role=Role.VIEWER)
    assert list_invitations(world.admin.actor).rows == []


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "a b@c.de", "a\x00@c.de", "a@c.de\nBcc: all@c.de", "@", "a@" + "x" * 300]
)
def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        invite(world.admin.actor, email=email, role=Role.VIEWER)
    assert refusal.value.details["errors"][0]["place"] == "email"


def test_an_address_is_invited_once_at_a_time(world: World) -> None:
    invitation = invited(world)
    with pytest.raises(AlreadyInvited):
        invite(world.admin.actor, email=f" {EMAIL.upper()} ", role=Role.VIEWER)
    withdraw_invitation(world.admin.actor, invitation.pk)
    assert invited(world).pk != invitation.pk


def test_there_is_an_end_to_inviting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "MOST_OPEN", 1)
    invited(world)
    with pytest.raises(LimitReached):
        invite(world.admin.actor, email="second@acme.example", role=Role.VIEWER)


# The letter -------------------------------------------------------------------------------------------------------


def test_the_letter_goes_out_after_the_commit_and_carries_the_link(
    world: World, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(invitations.send_invitation, "delay", lambda *words: sent.append(words))
    with django_capture_on_commit_callbacks(execute=True):
        invitation = invited(world)
        assert sent == []
    # the queue holds ids, never the link
    assert sent == [(str(world.acme.id), str(invitation.pk))]
    mail_invitation(*map(UUID, sent[0]))
    (letter,) = mail.outbox
    assert letter.to == [EMAIL]
    assert f"{settings.CODEXOS_URL}/invitations/{letter_token(invitation.pk)}/" in letter.body
    assert "Acme" in letter.subject
    assert "Alice Admin" in letter.body
    assert "developer" in letter.body


def test_no_letter_for_what_was_withdrawn_meanwhile(world: World) -> None:
    invitation = invited(world)
    withdraw_invitation(world.admin.actor, invitation.pk)
    mail_invitation(world.acme.id, invitation.pk)
    assert mail.outbox == []


def test_names_cannot_write_headers_or_markup(world: World) -> None:
    change_organization(world.admin.actor, name="A & <b>B</b> %s {{ link }}")
    mail_invitation(world.acme.id, invited(world).pk)
    (letter,) = mail.outbox
    assert letter.subject == "You are invited to A & <b>B</b> %s {{ link }} on CodexOS"


def test_the_database_holds_no_link(committed_world: World, truth: psycopg.Connection) -> None:
    token = letter_token(invited(committed_world).pk)
    rows = truth.execute("select i::text from accounts_invitation i").fetchall()
    rows += truth.execute("select e::text from accounts_auditevent e").fetchall()
    rows += truth.execute("select o::text from accounts_outboxevent o").fetchall()
    assert rows
    assert not any(token in row[0] or token.encode().hex() in row[0] for row in rows)


def test_resending_lets_it_live_anew_but_not_every_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    invitation = invited(world)
    with pytest.raises(LimitReached) as refusal:
        resend_invitation(world.admin.actor, invitation.pk)
    assert 0 < refusal.value.details["retry_after_seconds"] <= 61
    later(monkeypatch, timedelta(days=8))
    assert resend_invitation(world.admin.actor, invitation.pk).expires_at > clock.now() + timedelta(days=6)
    accept_invitation(make_person(EMAIL), letter_token(invitation.pk))
    with pytest.raises(InvitationUsed):
        resend_invitation(world.admin.actor, invitation.pk)


# Accepting --------------------------------------------------------------------------------------------------------


def test_peeking_shows_what_it_says_and_changes_nothing(world: World) -> None:
    invitation = invited(world)
    letter = peek_invitation(letter_token(invitation.pk))
    assert (letter.organization_name, letter.email, letter.role) == ("Acme", EMAIL, Role.DEVELOPER)
    assert peek_invitation(letter_token(invitation.pk)) == letter


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "\x00" * 43, "é" * 43, "../" * 20, "a" * 100_000])
def test_what_is_no_link_of_ours(world: World, token: str) -> None:
    with pytest.raises(InvitationNotFound):
        peek_invitation(token)
    with pytest.raises(InvitationNotFound):
        accept_invitation(world.stranger.person, token)


def test_one_character_changed(world: World) -> None:
    token = letter_token(invited(world).pk)
    with pytest.raises(InvitationNotFound):
        accept_invitation(make_person(EMAIL), ("A" if token[0] != "A" else "B") + token[1:])


def test_a_stolen_link_lets_nobody_else_in(world: World) -> None:
    invitation = invited(world)
    with pytest.raises(InvitationNotYours, match=EMAIL):
        accept_invitation(world.stranger.person, letter_token(invitation.pk))
    assert "mallory@other.example" not in members(world)
    # the one it was for can still use it
    accept_invitation(make_person(EMAIL), letter_token(invitation.pk))
    assert EMAIL in members(world)


def test_an_address_must_be_verified(world: World) -> None:
    token = letter_token(invited(world).pk)
    unverified = EmailAddress.objects.create(user=world.stranger.person, email=EMAIL, verified=False)
    with pytest.raises(InvitationNotYours):
        accept_invitation(world.stranger.person, token)
    # control: with it verified, a second address counts
    unverified.verified = True
    unverified.save()
    accept_invitation(world.stranger.person, token)
    assert "mallory@other.example" in members(world)


def test_too_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = letter_token(invited(world).pk)
    newcomer = make_person(EMAIL)
    later(monkeypatch, timedelta(days=7, seconds=1))
    for deed in (lambda: peek_invitation(token), lambda: accept_invitation(newcomer, token)):
        with pytest.raises(InvitationExpired):
            deed()
    assert EMAIL not in members(world)


def test_withdrawn(world: World) -> None:
    invitation = invited(world)
    withdraw_invitation(world.admin.actor, invitation.pk)
    with pytest.raises(InvitationExpired):
        accept_invitation(make_person(EMAIL), letter_token(invitation.pk))
    assert EMAIL not in members(world)


def test_a_disabled_person_joins_nothing(world: World) -> None:
    token = letter_token(invited(world).pk)
    with pytest.raises(NotAllowed):
        accept_invitation(make_person(EMAIL, is_active=False), token)
    assert EMAIL not in members(world)


def test_accepting_again_is_the_same_membership(world: World) -> None:
    token = letter_token(invited(world).pk)
    newcomer = make_person(EMAIL)
    first, second = accept_invitation(newcomer, token), accept_invitation(newcomer, token)
    assert first.pk == second.pk
    with pytest.raises(InvitationUsed):
        accept_invitation(world.stranger.person, token)
    with pytest.raises(InvitationUsed):
        peek_invitation(token)
    with pytest.raises(InvitationUsed):
        withdraw_invitation(world.admin.actor, invitation_of(world))


def invitation_of(world: World) -> UUID:
    with tenant(world.acme.id):
        return Invitation.objects.for_organization(world.acme.id).get().pk


def test_accepted_twice_from_two_browsers_at_once(committed_world: World, truth: psycopg.Connection) -> None:
    world = committed_world
    token = letter_token(invited(world).pk)
    newcomer = make_person(EMAIL)
    answers = together(*[lambda: accept_invitation(newcomer, token)] * 4)
    assert len({answer.pk for answer in answers}) == 1, answers
    rows = truth.execute("select count(*) from accounts_membership where person_id = %s", [newcomer.pk])
    assert rows.fetchone() == (1,)
    events = truth.execute("select count(*) from accounts_auditevent where action = 'invitation.accepted'")
    assert events.fetchone() == (1,)


def test_two_who_own_the_address_at_once_are_one_member(committed_world: World) -> None:
    world = committed_world
    token = letter_token(invited(world).pk)
    newcomer = make_person(EMAIL)
    # both have verified the address on different accounts, which allauth allows one of at a time
    EmailAddress.objects.filter(user=world.stranger.person).update(email="x@other.example")
    answers = together(
        lambda: accept_invitation(newcomer, token), lambda: accept_invitation(world.stranger.person, token)
    )
    assert isinstance(answers[0], Membership)
    assert isinstance(answers[1], (InvitationNotYours, InvitationUsed))


def test_withdrawing_while_it_is_accepted(committed_world: World) -> None:
    world = committed_world
    invitation = invited(world)
    newcomer = make_person(EMAIL)
    accepted, withdrawn = together(
        lambda: accept_invitation(newcomer, letter_token(invitation.pk)),
        lambda: withdraw_invitation(world.admin.actor, invitation.pk),
    )
    if isinstance(accepted, Membership):
        assert isinstance(withdrawn, InvitationUsed)
    else:
        assert isinstance(accepted, InvitationExpired)
        assert withdrawn is None
        assert EMAIL not in members(world)


def test_accepting_by_the_api_signed_in(world: World, client: Any) -> None:
    token = letter_token(invited(world).pk)
    client.force_login(make_person(EMAIL), backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/api/v1/invitations/accept/", {"token": token}, content_type="application/json")
    assert answer.status_code == 200
    assert (answer.json()["slug"], answer.json()["role"]) == ("acme", "developer")
    # the browser works there from now on
    assert client.get("/api/v1/me/").json()["organization"]["slug"] == "acme"


def test_the_task_carries_its_organization(world: World) -> None:
    invitation = invited(world)
    # the message names the wrong organization: the wall shows it nothing there
    send_invitation.apply(args=[str(world.other.id), str(invitation.pk)], throw=True)
    assert mail.outbox == []
    send_invitation.apply(args=[str(world.acme.id), str(invitation.pk)], throw=True)
    assert len(mail.outbox) == 1
    assert current_tenant() is None


def test_a_database_that_is_away_loses_no_letter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    invitation, troubles = invited(world), [OperationalError("server closed the connection unexpectedly")]

    def hiccup(*ids: UUID) -> None:
        if troubles:
            raise troubles.pop()
        mail_invitation(*ids)

    monkeypatch.setattr("accounts.tasks.mail_invitation", hiccup)
    send_invitation.apply(args=[str(world.acme.id), str(invitation.pk)])
    assert len(mail.outbox) == 1


def test_an_unreachable_queue_loses_no_invitation(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: str) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(invitations.send_invitation, "delay", fail)
    invitation = invited(committed_world)
    assert peek_invitation(letter_token(invitation.pk)).email == EMAIL
