# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The page behind the link of an invitation, from everybody's side."""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse

from accounts.models import Invitation
from accounts.operations.invitations import invite, withdraw_invitation
from accounts.queries.invitations import letter_token
from accounts.queries.members import list_members
from accounts.roles import Role
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.ids import new_id
from tests.accounts.pages.conftest import Browse, browser_of
from tests.factories import Someone, World, make_person


@pytest.fixture
def invitation(world: World) -> Invitation:
    return invite(world.admin.actor, email="kai@elsewhere.example", role=Role.DEVELOPER, teams=[world.team.pk])


@pytest.fixture
def address(invitation: Invitation) -> str:
    return reverse("invitation", args=[letter_token(invitation.pk)])


def test_nobody_is_shown_the_way_in_and_comes_back(address: str, browse: Browse) -> None:
    answer = browse().get(address)
    text = answer.content.decode()
    assert "Join Acme" in text
    assert f"{reverse('account_signup')}?next={quote(address)}" in text
    assert f"{reverse('account_login')}?next={quote(address)}" in text
    assert "no-cache" in answer["Cache-Control"]
    assert browse().post(address)["Location"] == f"{reverse('account_login')}?next={address}"


def test_the_invited_accepts_and_works_there_at_once(world: World, address: str) -> None:
    browser = browser_of(_someone("kai@elsewhere.example"))
    assert "Accept" in browser.get(address).content.decode()
    assert browser.post(address)["Location"] == reverse("home")
    assert "viewer@acme.example" in browser.get(reverse("members")).content.decode()
    assert browser.post(address)["Location"] == reverse("home")
    assert len([row for row in list_members(world.admin.actor).rows if row.person.email.startswith("kai")]) == 1


def test_somebody_else_is_told_for_whom_it_is(world: World, address: str, browse: Browse) -> None:
    browser = browse(world.stranger)
    text = browser.get(address).content.decode()
    assert "This invitation is for kai@elsewhere.example" in text
    answer = browser.post(address)
    assert answer.status_code == 403
    assert "you are signed in as mallory@other.example" in answer.content.decode()
    assert len(list_members(world.admin.actor).rows) == 5


def test_a_used_one_says_so(world: World, address: str, browse: Browse) -> None:
    browser_of(_someone("kai@elsewhere.example")).post(address)
    answer = browse().get(address)
    assert answer.status_code == 410
    assert "accepted already" in answer.content.decode()
    assert browse(world.stranger).post(address).status_code == 410


@pytest.mark.parametrize("how", ["withdrawn", "expired"])
def test_a_closed_one_says_so(world: World, invitation: Invitation, address: str, browse: Browse, how: str) -> None:
    if how == "withdrawn":
        withdraw_invitation(world.admin.actor, invitation.pk)
    else:
        with tenant(world.acme.pk):
            rows = Invitation.objects.for_organization(world.acme.pk)
            rows.update(expires_at=clock.now() - timedelta(seconds=1))
    answer = browse().get(address)
    assert answer.status_code == 410
    assert "no longer open" in answer.content.decode()
    assert browser_of(_someone("kai@elsewhere.example")).post(address).status_code == 410


@pytest.mark.parametrize("token", ["short", "A" * 43, "é" * 43, "A" * 500])
def test_one_that_is_not_ours_says_so(world: World, browse: Browse, token: str) -> None:
    answer = browse().get(reverse("invitation", args=[token]))
    assert answer.status_code == 404
    assert "not an invitation of ours" in answer.content.decode()


def _someone(email: str) -> Someone:
    return Someone(make_person(email, name="Kai"), None, "")  # type: ignore[arg-type]


def test_signing_up_leads_back_to_the_invitation(world: World, browse: Browse, mailoutbox: list[EmailMessage]) -> None:
    # An address of its own each time: how often one is written to is remembered beyond this test.
    email = f"{new_id()}@elsewhere.example"
    address = reverse("invitation", args=[letter_token(invite(world.admin.actor, email=email, role=Role.VIEWER).pk)])
    browser = browse()
    body = {"email": email, "password1": "a long unusual phrase", "next": address}
    assert browser.post(reverse("account_signup"), body).status_code == 302
    mail = next(mail for mail in mailoutbox if "confirm-email" in mail.body)
    link = re.search(r"http://[^/]+(/account/confirm-email/\S+)", mail.body)
    assert link is not None
    assert browser.post(link[1])["Location"] == address
    assert browser.post(address)["Location"] == reverse("home")
    assert "viewer@acme.example" in browser.get(reverse("members")).content.decode()
