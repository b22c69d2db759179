# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The admin console: for system admins alone, without what organizations made, under our strict CSP."""

import re
from collections.abc import Callable

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from accounts.admin import console
from accounts.models import AuditEvent, BreakGlass, Person
from accounts.operations.audit import record_event
from accounts.operations.break_glass import enter_organization
from accounts.tenancy import tenant
from tests.factories import Someone, World

REASON = "Ticket 4711: a flow hangs and nobody answers"
FORBIDDEN = re.compile(
    r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\b(src=|type=\"application/json\"))|javascript:", re.I
)

Browse = Callable[[Someone | None], Client]


@pytest.fixture
def browse() -> Browse:
    """Return a browser in which somebody is signed in, or nobody."""

    def opened(who: Someone | None) -> Client:
        client = Client()
        if who is not None:
            client.force_login(who.person, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return opened


def every_page(world: World) -> list[str]:
    """Return the address of every list and every kind of page in the console."""
    with tenant(world.acme.id):
        event = AuditEvent.objects.for_organization(world.acme.id).latest("id")
        membership = world.dev.person.memberships.across_organizations(because="test").get()
    enter_organization(world.system_admin.person, organization_id=world.other.id, reason=REASON)
    with tenant(world.other.id):
        entry = BreakGlass.objects.for_organization(world.other.id).get()
    rows = {
        "organization": world.other.id,
        "person": world.dev.person.id,
        "membership": membership.pk,
        "auditevent": event.pk,
        "breakglass": entry.pk,
    }
    pages = [reverse("admin:index"), reverse("admin:app_list", args=["accounts"])]
    for name, pk in rows.items():
        pages.append(reverse(f"admin:accounts_{name}_changelist"))
        pages.append(reverse(f"admin:accounts_{name}_changelist") + "?q=acme")
        pages.append(reverse(f"admin:accounts_{name}_change", args=[pk]))
        pages.append(reverse(f"admin:accounts_{name}_history", args=[pk]))
    return [*pages, reverse("admin:accounts_organization_enter", args=[world.acme.id])]


def test_every_page_works_and_obeys_the_csp(world: World, browse: Browse) -> None:
    client = browse(world.system_admin)
    for page in every_page(world):
        answer = client.get(page)
        assert answer.status_code == 200, page
        html = answer.content.decode()
        found = FORBIDDEN.search(html)
        assert found is None, f"{page}: {html[max(0, found.start() - 80) : found.end() + 80]}"
        assert "unsafe-inline" not in answer["Content-Security-Policy"]


def test_nobody_is_sent_to_the_sign_in_and_others_find_nothing(world: World, browse: Browse) -> None:
    pages = [*every_page(world), "/admin/login/", "/admin/logout/", "/admin/password_change/", "/admin/no/such/page/"]
    for page in pages:
        answer = browse(None).get(page)
        assert answer.status_code == 302, page
        assert answer["Location"].startswith(reverse("account_login")), page
    for who in (world.admin, world.lead, world.dev, world.viewer, world.stranger):
        client = browse(who)
        for page in pages:
            assert client.get(page).status_code == 404, (who.person.email, page)


def test_an_api_token_opens_nothing(world: World, api: Callable[..., Client]) -> None:
    assert api(world.system_admin).get(reverse("admin:index")).status_code == 302


def test_signing_in_out_and_passwords_happen_where_the_second_factor_is(world: World, browse: Browse) -> None:
    client = browse(world.system_admin)
    assert client.get("/admin/login/")["Location"] == reverse("admin:index")
    assert client.post("/admin/logout/")["Location"] == reverse("account_logout")
    assert client.get("/admin/password_change/")["Location"] == reverse("account_change_password")


def test_no_content_of_organizations_is_shown() -> None:
    shown = {model._meta.model_name for model in console._registry}
    assert shown == {"organization", "person", "membership", "auditevent", "breakglass"}
    ours = {model for app in ("rag", "agents", "llm") for model in apps.get_app_config(app).get_models()}
    assert not any(model in console._registry for model in ours)


def test_nothing_is_edited_added_or_deleted_by_form(world: World, browse: Browse) -> None:
    client = browse(world.system_admin)
    for name, pk in (("organization", world.other.id), ("person", world.dev.person.id)):
        assert client.get(reverse(f"admin:accounts_{name}_add")).status_code == 403
        assert client.post(reverse(f"admin:accounts_{name}_change", args=[pk]), {"name": "x"}).status_code == 403
        assert client.post(reverse(f"admin:accounts_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert Person.objects.get(pk=world.dev.person.id).name == world.dev.person.name


def test_the_audit_trail_is_searched_across_organizations(world: World, browse: Browse) -> None:
    for who in (world.dev, world.stranger):
        with tenant(who.actor.organization_id):
            record_event(who.actor, "test.needle", about=who.person)
    client = browse(world.system_admin)
    html = client.get(reverse("admin:accounts_auditevent_changelist") + "?q=test.needle").content.decode()
    assert world.dev.person.email in html
    assert world.stranger.person.email in html
    html = client.get(reverse("admin:accounts_auditevent_changelist") + "?q=no.such.deed").content.decode()
    assert world.dev.person.email not in html


def test_disabling_a_person_ends_everything_and_is_audited_where_they_belong(world: World, browse: Browse) -> None:
    client, victim = browse(world.system_admin), browse(world.dev)
    assert victim.get(reverse("home")).status_code == 200
    disable = reverse("admin:accounts_person_deed", args=[world.dev.person.id, "disable"])
    assert client.get(disable).status_code == 404
    assert client.post(disable).status_code == 302
    assert victim.get(reverse("home")).status_code == 302
    with tenant(world.acme.id):
        event = AuditEvent.objects.for_organization(world.acme.id).get(action="person.disabled")
    assert event.actor_id == world.system_admin.person.id
    assert client.post(reverse("admin:accounts_person_deed", args=[world.dev.person.id, "enable"])).status_code == 302
    assert Person.objects.get(pk=world.dev.person.id).is_active


def test_a_system_admin_cannot_disable_themselves(world: World, browse: Browse) -> None:
    client = browse(world.system_admin)
    client.post(reverse("admin:accounts_person_deed", args=[world.system_admin.person.id, "disable"]))
    assert Person.objects.get(pk=world.system_admin.person.id).is_active


def test_breaking_the_glass_leads_into_the_organization(world: World, browse: Browse) -> None:
    client = browse(world.system_admin)
    enter = reverse("admin:accounts_organization_enter", args=[world.other.id])
    refused = client.post(enter, {"reason": "because", "minutes": "30"})
    assert refused.status_code == 422
    assert client.post(enter, {"reason": REASON, "minutes": "61"}).status_code == 422
    assert client.get("/api/v1/organizations/other/").status_code == 404
    assert client.post(enter, {"reason": REASON, "minutes": "30"})["Location"] == reverse("home")
    events = client.get("/api/v1/audit-events/?action=break_glass").json()["results"]
    assert [event["action"] for event in events] == ["break_glass.entered"]
    with tenant(world.other.id):
        entry = BreakGlass.objects.for_organization(world.other.id).get()
    assert client.post(reverse("admin:accounts_breakglass_leave", args=[entry.pk])).status_code == 302
    assert client.get("/api/v1/organizations/other/").status_code == 404


def test_an_organization_one_is_in_already_is_not_entered(world: World, browse: Browse) -> None:
    client = browse(world.system_admin)
    enter = reverse("admin:accounts_organization_enter", args=[world.acme.id])
    answer = client.post(enter, {"reason": REASON, "minutes": "30"})
    assert answer.status_code == 422
    assert "You are a member of this organization" in answer.content.decode()
