# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What no form sends and people do: refused with a clear answer, and nothing changed."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.queries.audit import list_audit_events
from accounts.queries.members import list_members
from tests.accounts.pages.conftest import Browse
from tests.factories import World

LONG = "x" * 5_000
TEXTS = {
    "invite-member": {"email": "new@acme.example", "role": "viewer"},
    "new-team": {"name": "Payments", "slug": "payments"},
    "new-project": {"name": "Pay", "slug": "pay", "team": "TEAM", "description": "It pays."},
    "new-token": {"name": "Robot", "scopes": "read", "days": "7"},
    "organization-settings": {"name": "Acme", "slug": "acme-2"},
    "found-organization": {"name": "Side", "slug": "side-job"},
    "profile": {"name": "Me", "theme": "dark", "time_zone": "UTC", "default_model": "m"},
}
CASES = [
    (page, field, bad)
    for page, body in TEXTS.items()
    for field in body
    for bad in ("\x00", "a\x00b", LONG, "\u202eevil")
]


@pytest.mark.parametrize(("page", "field", "bad"), CASES)
def test_a_bad_text_is_said_beside_its_field(world: World, browse: Browse, page: str, field: str, bad: str) -> None:
    body = _filled(world, page) | {field: bad}
    before = len(list_audit_events(world.admin.actor).rows)
    answer = browse(world.admin).post(reverse(page), body)
    assert answer.status_code == 422, answer.content.decode()[:500]
    assert field in answer.context["form"].errors
    assert len(list_audit_events(world.admin.actor).rows) == before


@pytest.mark.parametrize("role", ["system_admin", "owner", "", "ORG_ADMIN", "\x00"])
def test_no_form_makes_a_system_admin(world: World, browse: Browse, role: str) -> None:
    browser = browse(world.admin)
    member = next(row for row in list_members(world.admin.actor).rows if row.person_id == world.dev.person.pk)
    assert browser.post(reverse("member", args=[member.pk]), {"role": role}).status_code == 422
    assert browser.post(reverse("invite-member"), {"email": "a@b.example", "role": role}).status_code == 422
    assert browser.post(reverse("member-role", args=[member.pk]), {"role": role}).status_code == 302
    rows = list_members(world.admin.actor).rows
    assert next(row.role for row in rows if row.pk == member.pk) == "developer"


@pytest.mark.parametrize(
    ("page", "field", "attribute"),
    [
        ("invite-member", "teams", "other_team"),
        ("new-project", "team", "other_team"),
        ("new-token", "project", "other_project"),
    ],
)
def test_ids_of_another_organization_are_no_choice(
    world: World, browse: Browse, page: str, field: str, attribute: str
) -> None:
    body = _filled(world, page) | {field: str(getattr(world, attribute).pk)}
    answer = browse(world.admin).post(reverse(page), body)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


@pytest.mark.parametrize("argument", ["nonsense", "..%2F..", "00000000-0000-0000-0000-000000000000", "é", "x" * 300])
@pytest.mark.parametrize("route", ["member", "team", "project", "revoke-token", "withdraw-invitation", "audit-event"])
def test_an_address_of_nothing_is_not_found(world: World, browse: Browse, route: str, argument: str) -> None:
    assert browse(world.admin).get(reverse(route, args=[argument])).status_code == 404


@pytest.mark.parametrize("page", ["members", "teams", "projects", "tokens", "audit", "organization-settings"])
def test_a_cursor_of_nobody_is_refused(world: World, browse: Browse, page: str) -> None:
    answer = browse(world.admin).get(reverse(page), {"cursor": "nonsense"})
    assert answer.status_code == 422


@pytest.mark.parametrize("value", ["nonsense", "\x00", "", "x" * 1000])
def test_no_such_organization_to_switch_to(world: World, browse: Browse, value: str) -> None:
    assert browse(world.dev).post(reverse("switch_organization"), {"organization": value}).status_code == 404


@pytest.mark.parametrize("since", ["0001-01-01", "9999-12-31", "2024-02-31", "1"])
def test_days_at_the_ends_of_the_calendar_break_no_filter(world: World, browse: Browse, since: str) -> None:
    assert browse(world.admin).get(reverse("audit"), {"since": since, "until": since}).status_code == 200


def _filled(world: World, page: str) -> dict[str, Any]:
    return {field: str(world.team.pk) if value == "TEAM" else value for field, value in TEXTS[page].items()}
