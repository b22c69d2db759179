# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the forms of the settings do, and that they tell it."""

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.operations.break_glass import enter_organization
from accounts.operations.invitations import invite
from accounts.operations.organizations import found_organization
from accounts.operations.tokens import actor_from_token
from accounts.queries.audit import list_audit_events
from accounts.queries.invitations import list_invitations
from accounts.queries.members import list_members, teams_of
from accounts.queries.projects import list_projects
from accounts.queries.teams import list_teams
from accounts.queries.tokens import list_own_tokens
from accounts.roles import Role
from tests.accounts.pages.conftest import Browse
from tests.factories import Someone, World


def test_inviting_tells_and_shows_the_open_invitation(world: World, browse: Browse) -> None:
    browser = browse(world.admin)
    body = {"email": "New@Acme.example", "role": "developer", "teams": [str(world.team.pk)]}
    answer = browser.post(reverse("invite-member"), body)
    assert (answer.status_code, answer["Location"]) == (302, reverse("members"))
    assert _told(answer) == ["new@acme.example is invited."]
    text = browser.get(reverse("members")).content.decode()
    assert "new@acme.example" in text
    assert "7 days left" in text


def test_the_same_address_is_not_invited_twice_and_what_was_typed_stays(world: World, browse: Browse) -> None:
    browser, body = browse(world.admin), {"email": "dev@acme.example", "role": "viewer"}
    answer = browser.post(reverse("invite-member"), body)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "is a member already" in text
    assert 'value="dev@acme.example"' in text


def test_an_invitation_is_sent_again_only_after_a_while_and_can_be_withdrawn(world: World, browse: Browse) -> None:
    row = invite(world.admin.actor, email="kai@acme.example", role=Role.VIEWER)
    browser = browse(world.admin)
    answer = browser.post(reverse("resend-invitation", args=[row.pk]))
    assert "a moment ago" in _told(answer)[0]
    assert browser.get(reverse("withdraw-invitation", args=[row.pk])).status_code == 200
    assert "withdrawn" in _told(browser.post(reverse("withdraw-invitation", args=[row.pk])))[0]
    assert list_invitations(world.admin.actor).rows == []


def test_a_role_is_changed_in_the_list(world: World, browse: Browse) -> None:
    member = _membership(world.viewer)
    answer = browse(world.admin).post(reverse("member-role", args=[member.pk]), {"role": "team_lead"})
    assert _told(answer) == ["Viewer: Team lead."]
    assert _membership(world.viewer).role == Role.TEAM_LEAD


def test_role_and_teams_are_changed_on_the_page_of_a_member(world: World, browse: Browse) -> None:
    member = _membership(world.viewer)
    answer = browse(world.admin).post(reverse("member", args=[member.pk]), {"role": "developer"})
    assert answer.status_code == 302
    changed = _membership(world.viewer)
    assert (changed.role, teams_of(changed)) == (Role.DEVELOPER, [])


def test_a_removed_member_is_gone(world: World, browse: Browse) -> None:
    member, browser = _membership(world.viewer), browse(world.admin)
    assert "signed out" in browser.get(reverse("remove-member", args=[member.pk])).content.decode()
    assert _told(browser.post(reverse("remove-member", args=[member.pk]))) == ["Viewer is removed."]
    assert actor_from_token(world.viewer.token) is None


def test_the_last_admin_is_told_kindly_that_they_cannot_leave(world: World, browse: Browse) -> None:
    answer = browse(world.stranger).post(reverse("leave-organization"))
    assert answer.status_code == 409
    assert "Make somebody else an admin first" in answer.content.decode()
    assert browse(world.stranger).get(reverse("members")).status_code == 200


def test_who_leaves_lands_in_an_organization_of_their_own(world: World, browse: Browse) -> None:
    browser = browse(world.dev)
    assert _told(browser.post(reverse("leave-organization"))) == ["You have left Acme."]
    text = browser.get(reverse("members")).content.decode()
    assert "viewer@acme.example" not in text


def test_a_team_is_made_renamed_and_deleted(world: World, browse: Browse) -> None:
    browser = browse(world.admin)
    answer = browser.post(reverse("new-team"), {"name": "Payments", "slug": ""})
    assert answer["Location"] == reverse("team", args=["payments"])
    answer = browser.post(reverse("team", args=["payments"]), {"name": "Money", "slug": "money"})
    assert answer["Location"] == reverse("team", args=["money"])
    assert browser.post(reverse("delete-team", args=["money"]))["Location"] == reverse("teams")
    assert [team.slug for team in list_teams(world.admin.actor).rows] == ["core"]


def test_a_team_with_a_project_stays_and_says_what_it_holds(world: World, browse: Browse) -> None:
    answer = browse(world.admin).post(reverse("delete-team", args=["core"]))
    assert answer.status_code == 409
    assert "still holds 1 project" in answer.content.decode()


def test_a_project_is_deleted_only_when_its_name_is_typed(world: World, browse: Browse) -> None:
    browser = browse(world.lead)
    body = {"name": "Side job", "slug": "", "team": str(world.team.pk), "description": "A\nB"}
    assert browser.post(reverse("new-project"), body)["Location"] == reverse("projects")
    for word in ("", "main", "SIDE-JOB"):
        assert browser.post(reverse("delete-project", args=["side-job"]), {"confirm": word}).status_code == 422
    assert len(list_projects(world.lead.actor).rows) == 2
    answer = browser.post(reverse("delete-project", args=["side-job"]), {"confirm": "side-job"})
    assert answer["Location"] == reverse("projects")
    assert [project.slug for project in list_projects(world.lead.actor).rows] == ["main"]


def test_a_taken_short_name_is_said_beside_its_field(world: World, browse: Browse) -> None:
    answer = browse(world.admin).post(reverse("new-team"), {"name": "Core again", "slug": "core"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["slug"]


def test_a_token_is_shown_once_and_opens_the_api(world: World, browse: Browse) -> None:
    browser = browse(world.dev)
    body = {"name": "Robot", "scopes": ["read"], "project": str(world.project.pk), "days": "7"}
    answer = browser.post(reverse("new-token"), body)
    value = answer.context["issued"].value
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert f"Bearer {value}" in answer.content.decode()
    assert actor_from_token(value) is not None
    listed = browser.get(reverse("tokens")).content.decode()
    assert value not in listed
    assert f"…{value[-4:]}" in listed
    token = list_own_tokens(world.dev.actor).rows[0]
    assert _told(browser.post(reverse("revoke-token", args=[token.pk]))) == ["Robot is revoked."]
    assert actor_from_token(value) is None


def test_everybodys_tokens_are_for_who_manages_users(world: World, browse: Browse) -> None:
    address = reverse("tokens") + "?of=everybody"
    assert "Dev</td>" in browse(world.admin).get(address).content.decode()
    assert "Alice Admin</td>" not in browse(world.dev).get(address).content.decode()


def test_an_organization_is_founded_and_switched(world: World, browse: Browse) -> None:
    browser = browse(world.dev)
    assert browser.post(reverse("found-organization"), {"name": "Side", "slug": ""})["Location"] == reverse("members")
    assert "Side" in browser.get(reverse("members")).content.decode()
    browser.post(reverse("switch_organization"), {"organization": str(world.acme.pk)})
    assert "viewer@acme.example" in browser.get(reverse("members")).content.decode()
    answer = browser.post(reverse("switch_organization"), {"organization": str(world.other.pk)})
    assert answer.status_code == 404
    assert "viewer@acme.example" in browser.get(reverse("members")).content.decode()


def test_a_form_of_the_organization_one_left_does_nothing_to_the_other(world: World) -> None:
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(world.admin.person)
    found_organization(world.admin.person, name="Side", slug="side")
    stale = _guard(browser.get(reverse("new-team")).content.decode())
    chosen = {"organization": str(world.acme.pk), "csrfmiddlewaretoken": stale}
    assert browser.post(reverse("switch_organization"), chosen).status_code == 302
    answer = browser.post(reverse("new-team"), {"name": "Meant for the other", "csrfmiddlewaretoken": stale})
    assert answer.status_code == 403
    assert "another tab" in answer.content.decode()
    assert "Meant for the other" not in browser.get(reverse("teams")).content.decode()
    fresh = _guard(browser.get(reverse("new-team")).content.decode())
    again = browser.post(reverse("new-team"), {"name": "Meant for this", "csrfmiddlewaretoken": fresh})
    assert again.status_code == 302


def _guard(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return found[1]


def test_preferences_change_the_next_page(world: World, browse: Browse) -> None:
    browser = browse(world.dev)
    body = {"name": "Dev Two", "theme": "dark", "language": "de", "time_zone": "Asia/Tokyo", "default_model": "m"}
    assert browser.post(reverse("profile"), body)["Location"] == reverse("profile")
    answer = browser.get(reverse("profile"))
    text = answer.content.decode()
    assert 'lang="de"' in text
    assert 'data-theme="dark"' in text
    assert answer["Content-Language"] == "de"
    assert 'value="Dev Two"' in text
    browse().get(reverse("account_login"))
    assert 'lang="en"' in browse(world.viewer).get(reverse("profile")).content.decode()


@pytest.mark.parametrize("who", ["nobody", "somebody"])
def test_the_theme_is_kept_for_anybody(world: World, browse: Browse, who: str) -> None:
    browser = browse(world.dev if who == "somebody" else None)
    page = "http://testserver/account/login/"
    answer = browser.post(reverse("set_theme"), {"theme": "dark"}, headers={"Referer": page})
    assert (answer["Location"], answer.cookies["theme"].value) == (page, "dark")
    far = browser.post(reverse("set_theme"), {"theme": "pink"}, headers={"Referer": "https://evil.example/"})
    assert far["Location"] == "/"
    assert "theme" not in far.cookies


def test_an_entry_under_break_glass_is_seen_by_everybody_and_ended_by_admins(world: World, browse: Browse) -> None:
    entered = enter_organization(
        world.system_admin.person, organization_id=world.other.pk, reason="Ticket 12: runs hang since noon."
    )
    browser = browse(world.stranger)
    text = browser.get(reverse("teams")).content.decode()
    assert "Ticket 12: runs hang since noon." in text
    assert "Ticket 12" not in browse(world.dev).get(reverse("teams")).content.decode()
    answer = browser.post(reverse("end-break-glass", args=[entered.break_glass_id]))
    assert _told(answer) == ["The entry is ended."]
    assert "Ticket 12" not in browser.get(reverse("teams")).content.decode()
    assert "Ticket 12" in browser.get(reverse("organization-settings")).content.decode()


def test_the_audit_log_is_filtered_and_opened(world: World, browse: Browse) -> None:
    browser = browse(world.admin)
    browser.post(reverse("new-team"), {"name": "Payments"})
    text = browser.get(reverse("audit"), {"action": "team"}).content.decode()
    assert "team.created" in text
    assert "token.issued" not in text
    event = next(row for row in list_audit_events(world.admin.actor).rows if row.action == "team.created")
    detail = browser.get(reverse("audit-event", args=[event.pk])).content.decode()
    assert str(event.pk) in detail
    tomorrow = (event.created_at + timedelta(days=2)).date().isoformat()
    assert "Nothing fits" in browser.get(reverse("audit"), {"since": tomorrow}).content.decode()
    assert "Enter a valid date" in browser.get(reverse("audit"), {"since": "yesterday"}).content.decode()


@pytest.mark.parametrize(("form", "begins"), [("csv", "id,at,actor_kind"), ("jsonl", '{"id": "')])
def test_the_audit_log_is_taken_out_and_says_so(world: World, browse: Browse, form: str, begins: str) -> None:
    browser = browse(world.admin)
    browser.post(reverse("new-team"), {"name": "=cmd|'/c calc'!A1"})
    answer = browser.get(reverse("export-audit", args=[form]), {"action": "team"})
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith(begins)
    assert "token.issued" not in text
    assert ",=cmd" not in text
    assert list_audit_events(world.admin.actor).rows[0].action == "audit.exported"
    assert browse(world.dev).get(reverse("export-audit", args=[form])).status_code == 403
    assert browser.get(reverse("export-audit", args=["xml"])).status_code == 404


def _told(answer: HttpResponse) -> list[str]:
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def _membership(someone: Someone):  # type: ignore[no-untyped-def]
    return next(row for row in list_members(someone.actor).rows if row.person_id == someone.person.pk)


def test_a_page_without_a_shell_costs_nothing(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(0):
        assert Client().get("/invitations/short/").status_code == 404
