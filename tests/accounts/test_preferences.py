# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Preferences: what is given changes, what does not hold together changes nothing."""

from typing import Any

import pytest

from accounts.operations.preferences import change_preferences
from codexos.kernel.errors import InvalidInput
from tests.factories import World


def test_what_is_given_changes_and_the_rest_stays(world: World) -> None:
    change_preferences(world.dev.person, theme="dark", time_zone="Europe/Berlin", language="de")
    change_preferences(world.dev.person, name="  Déniz   Aydin ", default_model="offline", language="")
    person = world.dev.person
    person.refresh_from_db()
    assert (person.name, person.theme, person.time_zone) == ("Déniz Aydin", "dark", "Europe/Berlin")
    assert (person.default_model, person.language) == ("offline", "")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("theme", "pink"),
        ("theme", ""),
        ("language", "xx"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
        ("name", "a\x00b"),
        ("name", "x" * 121),
        ("default_model", "x" * 121),
        ("default_model", "\x00"),
    ],
)
def test_what_does_not_hold_together_changes_nothing(world: World, place: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        change_preferences(world.dev.person, **{"theme": "dark", place: value})
    assert refusal.value.details["errors"][0]["place"] == place
    world.dev.person.refresh_from_db()
    assert world.dev.person.theme == "system"


def test_by_the_api_signed_in(world: World, client: Any) -> None:
    client.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.patch("/api/v1/me/", {"theme": "light", "name": "Dev"}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["theme"] == "light"
    refused = client.patch("/api/v1/me/", {"time_zone": "Mars"}, content_type="application/json")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["place"] == "time_zone"


def test_nobody_changes_who_they_are(world: World, client: Any) -> None:
    client.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    body = {"email": "admin@acme.example", "is_system_admin": True, "is_active": False}
    client.patch("/api/v1/me/", body, content_type="application/json")
    world.dev.person.refresh_from_db()
    assert world.dev.person.email == "dev@acme.example"
    assert not world.dev.person.is_system_admin
