# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Signing up, in and out through allauth; second factors sealed at rest; what the trail says of it."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.hashers import ScryptPasswordHasher, get_hasher
from django.core import mail
from django.core.cache import cache

from accounts.models import AuditEvent, Membership, Person
from accounts.operations.people import disable_person
from accounts.queries.lookups import list_belongings
from accounts.tenancy import tenant
from tests.factories import PASSWORD, World


@pytest.fixture(autouse=True)
def fresh_counters() -> Iterator[None]:
    """Rate limits count in Redis, over tests too."""
    cache.clear()
    yield
    cache.clear()


def trail(world: World, prefix: str = "person.") -> list[tuple[str, str]]:
    with tenant(world.acme.id):
        rows = AuditEvent.objects.for_organization(world.acme.id).filter(action__startswith=prefix).order_by("id")
        return [(row.action, row.actor_label) for row in rows]


def give_password(world: World) -> None:
    world.dev.person.set_password(PASSWORD)
    world.dev.person.save()


def sign_in(client: Any, password: str = PASSWORD, email: str = "dev@acme.example") -> Any:
    return client.post("/account/login/", {"login": email, "password": password})


def current_code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def test_passwords_are_hashed_dearly_outside_of_tests(dear_hashing: int) -> None:
    assert type(get_hasher()) is ScryptPasswordHasher
    assert dear_hashing >= 2**14


def test_signing_up_brings_an_organization_of_ones_own(db: None, client: Any) -> None:
    answer = client.post("/account/signup/", {"email": "New.Person@home.example", "password1": PASSWORD})
    assert answer.status_code == 302, answer.content
    person = Person.objects.get()
    assert person.email == "new.person@home.example"
    (belonging,) = list_belongings(person.pk)
    assert belonging.is_personal
    # not let in before the address is verified
    assert client.get("/api/v1/me/").status_code == 401
    (letter,) = mail.outbox
    link = re.search(r"http\S+/account/confirm-email/\S+/", letter.body)
    assert link is not None
    client.post(link[0])
    assert client.get("/api/v1/me/").json()["person"]["email"] == "new.person@home.example"


def test_signing_up_again_tells_nothing_and_makes_nobody(world: World, client: Any) -> None:
    before = Person.objects.count()
    known = client.post("/account/signup/", {"email": "dev@acme.example", "password1": PASSWORD})
    assert known.status_code == 302
    assert Person.objects.count() == before
    assert known["Location"] == "/account/confirm-email/"


@pytest.mark.parametrize("email", ["a\x00b@c.de", "nobody", "", "a@" + "x" * 300 + ".de"])
def test_signing_up_with_what_is_no_address(db: None, client: Any, email: str) -> None:
    answer = client.post("/account/signup/", {"email": email, "password1": PASSWORD})
    assert answer.status_code == 200
    assert Person.objects.count() == 0


def test_signing_in_and_out_stands_in_the_trail(world: World, client: Any) -> None:
    give_password(world)
    assert sign_in(client).status_code == 302
    assert client.get("/api/v1/me/").json()["person"]["email"] == "dev@acme.example"
    client.post("/account/logout/")
    assert client.get("/api/v1/me/").status_code == 401
    assert trail(world) == [
        ("person.signed_in", "dev@acme.example"),
        ("person.signed_out", "dev@acme.example"),
    ]
    with tenant(world.acme.id):
        row = Membership.objects.for_organization(world.acme.id).get(person=world.dev.person)
        assert row.last_active_at is not None


def test_failures_stand_there_once_a_minute(world: World, client: Any) -> None:
    give_password(world)
    for _ in range(3):
        assert sign_in(client, "wrong password").status_code == 200
    assert trail(world) == [("person.sign_in_failed", "dev@acme.example")]


def test_guessing_an_unknown_address_leaves_nothing(world: World, client: Any) -> None:
    assert sign_in(client, email="ghost@acme.example").status_code == 200
    assert trail(world) == []


def test_guessing_is_stopped_by_a_limit(world: World, client: Any) -> None:
    give_password(world)
    for _ in range(12):
        sign_in(client, "wrong password")
    # even the right password waits now
    sign_in(client)
    assert client.get("/api/v1/me/").status_code == 401


def test_a_disabled_person_does_not_come_in(world: World, client: Any) -> None:
    give_password(world)
    disable_person(world.system_admin.person, person=world.dev.person)
    sign_in(client)
    assert client.get("/api/v1/me/").status_code == 401
    assert ("person.signed_in", "dev@acme.example") not in trail(world)


def test_changing_the_password_stands_in_the_trail_and_ends_other_sessions(world: World, client: Any) -> None:
    from django.test import Client

    give_password(world)
    elsewhere = Client()
    sign_in(elsewhere)
    sign_in(client)
    client.post(
        "/account/password/change/",
        {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"},
    )
    assert ("person.password_changed", "dev@acme.example") in trail(world)
    assert elsewhere.get("/api/v1/me/").status_code == 401


def test_a_second_factor_is_sealed_at_rest(committed_world: World, truth: psycopg.Connection) -> None:
    person = committed_world.dev.person
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(person, secret)
    codes = RecoveryCodes.activate(person)
    rows = truth.execute("select data::text from mfa_authenticator").fetchall()
    assert len(rows) == 2
    words = " ".join(row[0] for row in rows)
    assert secret not in words
    assert not any(code in words for code in codes.get_unused_codes())
    # control: what is sealed opens again, and the code counts
    kept = Authenticator.objects.get(user=person, type=Authenticator.Type.TOTP)
    assert kept.wrap().validate_code(current_code(secret))


def test_with_a_second_factor_a_password_is_not_enough(world: World, client: Any) -> None:
    give_password(world)
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(world.dev.person, secret)
    sign_in(client)
    assert client.get("/api/v1/me/").status_code == 401
    client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert client.get("/api/v1/me/").status_code == 401
    assert ("person.sign_in_failed", "dev@acme.example") in trail(world)
    client.post("/account/2fa/authenticate/", {"code": current_code(secret)})
    assert client.get("/api/v1/me/").json()["person"]["email"] == "dev@acme.example"
    assert ("person.signed_in", "dev@acme.example") in trail(world)


def test_adding_and_removing_a_second_factor_stands_in_the_trail(committed_world: World, client: Any) -> None:
    world = committed_world
    give_password(world)
    sign_in(client)
    assert client.get("/account/2fa/totp/activate/")["Location"].startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.get("/account/2fa/totp/activate/").status_code == 200
    secret = client.session["mfa.totp.secret"]
    client.post("/account/2fa/totp/activate/", {"code": current_code(secret)})
    assert ("person.second_factor_added", "dev@acme.example") in trail(world)
    client.post("/account/2fa/totp/deactivate/")
    assert ("person.second_factor_removed", "dev@acme.example") in trail(world)
    with tenant(world.acme.id):
        events = AuditEvent.objects.for_organization(world.acme.id).filter(action="person.second_factor_removed")
        # the recovery codes go with the last factor they recover
        assert {event.details["kind"] for event in events} == {"totp", "recovery_codes"}
        assert {event.about_kind for event in events} == {"person"}


def test_the_trail_holds_no_secret(committed_world: World, truth: psycopg.Connection, client: Any) -> None:
    give_password(committed_world)
    sign_in(client, "wrong horse secret")
    sign_in(client)
    rows = truth.execute("select e::text from accounts_auditevent e").fetchall()
    assert not any(PASSWORD in row[0] or "wrong horse" in row[0] for row in rows)
