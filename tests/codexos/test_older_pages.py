# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Whoever sends a form of an older page is told so, and led back to where it stood, never to another site."""

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import World

HERE = "http://testserver"


def _guarded() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def _way(page: str) -> str:
    found = re.search(r'<a class="btn pri" href="([^"]*)">', page)
    assert found is not None
    return unescape(found[1])


def test_one_whose_sign_in_ended_signs_in_and_is_back_where_they_were() -> None:
    answer = _guarded().post("/settings/teams/new/", {"name": "x"}, headers={"Referer": f"{HERE}/settings/teams/?a=b"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This page is older than your sign-in" in page
    assert "Your role" not in page
    assert _way(page) == f"{reverse('account_login')}?next=%2Fsettings%2Fteams%2F%3Fa%3Db"


def test_one_who_is_signed_in_loads_the_page_again(world: World) -> None:
    client = _guarded()
    client.force_login(world.dev.person)
    page = client.post("/settings/teams/new/", {}, headers={"Referer": f"{HERE}/settings/"}).content.decode()
    assert (_way(page), "Reload the page" in page) == ("/settings/", True)


@pytest.mark.parametrize(
    "referrer", ["https://evil.example/x", "javascript:alert(1)", f"{HERE}//evil.example/", f"{HERE}/\\evil", "", "["]
)
def test_no_other_site_is_led_to(referrer: str) -> None:
    answer = _guarded().post("/settings/teams/new/", {}, headers={"Referer": referrer})
    assert answer.status_code == 403
    assert _way(answer.content.decode()) == f"{reverse('account_login')}?next=%2F"


def test_programs_are_told_in_a_sentence(world: World) -> None:
    client = _guarded()
    client.force_login(world.dev.person)
    answer = client.post("/api/v1/teams/", {"name": "x"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "CSRF" not in answer.json()["detail"]
    assert "Reload the page" in answer.json()["detail"]


def test_too_many_tries_at_signing_in_are_answered_by_a_page_of_the_house(world: World) -> None:
    client = Client()
    for _ in range(40):
        answer = client.post(reverse("account_login"), {"login": "x@y.example", "password": "wrong"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert answer["Retry-After"] == "300"
    assert "Wait 5 minutes" in answer.content.decode()
    assert 'class="errorpage"' in answer.content.decode()
