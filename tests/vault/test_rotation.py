# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets get their next values in time: by reminder, by callback, and not twice."""

import base64
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connections

from accounts.models import AuditEvent, Membership
from accounts.operations.members import remove_member
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.errors import NotAllowed, NotFound
from tests.factories import Someone, World
from tests.kernel.local_server import LocalServer, answer
from vault.errors import SecretInvalid
from vault.models import RotateBy, Secret, SecretKind, SecretScope, SecretVersion
from vault.operations import rotation
from vault.operations.rotation import PlannedRotation, Rotation, attend_due_secrets, set_rotation
from vault.operations.secrets import (
    Folder,
    NewValue,
    SecretEdit,
    add_version,
    change_secret,
    destroy_secret,
    put_secret,
)
from vault.operations.values import read_secret
from vault.queries.secrets import access_secret
from vault.tasks import send_reminder

START = datetime(2026, 3, 27, 12, tzinfo=UTC)
FIRST, NEXT = b"canary-first-8c1e", "canary-next-2d7b"


class StoppedClock:
    def __init__(self) -> None:
        self.now = START

    def go(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    stopped = StoppedClock()
    monkeypatch.setattr(clock, "now", lambda: stopped.now)
    return stopped


@pytest.fixture
def maker(settings: Any) -> Iterator[LocalServer]:
    """Who makes the next values."""
    with LocalServer(lambda asked: [says({"value": NEXT})]) as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


def says(body: Any, *, status: str = "200 OK") -> bytes:
    return answer(json.dumps(body).encode(), status=status, Content_Type="application/json")


def put(who: Someone, world: World, **folder: Any) -> Secret:
    return put_secret(who.actor, "deploy", FIRST, folder=Folder(**(folder or {"project": world.project})))


def plan_callback(who: Someone, maker: LocalServer, *, grace_seconds: int = 0) -> PlannedRotation:
    plan = Rotation(30, RotateBy.CALLBACK, maker.url("/next"), grace_seconds)
    return set_rotation(who.actor, "deploy", plan)


def leave(world: World) -> None:
    with tenant(world.acme.pk):
        member = Membership.objects.for_organization(world.acme.pk).get(person=world.dev.person)
    remove_member(world.admin.actor, member.pk)


def told(world: World, action: str) -> int:
    with tenant(world.acme.pk):
        return AuditEvent.objects.for_organization(world.acme.pk).filter(action=action).count()


def test_a_callback_gives_the_next_value_when_it_is_due(
    world: World, maker: LocalServer, stopped: StoppedClock
) -> None:
    put(world.dev, world)
    planned = plan_callback(world.dev, maker, grace_seconds=3600)
    assert (planned.secret.rotates_at, attend_due_secrets()) == (START + timedelta(days=30), 0)
    stopped.go(days=30)
    assert [attend_due_secrets(), attend_due_secrets()] == [1, 0]
    assert read_secret(world.dev.actor, "deploy").value == NEXT.encode()
    assert read_secret(world.dev.actor, "deploy", number=1).value == FIRST
    assert access_secret(world.dev.actor, "deploy").rotates_at == START + timedelta(days=60)
    (asked,) = maker.asked
    signed = dict(part.split("=", 1) for part in asked.headers["x-codexos-signature"].split(","))
    message = signed["t"].encode() + b"." + asked.body
    assert signed["v1"] == hmac.digest(bytes.fromhex(planned.signing_key), message, "sha256").hex()
    assert json.loads(asked.body)["key"] == "deploy"
    assert FIRST not in asked.body
    assert told(world, "secret.rotated") == 1


def test_a_value_that_the_secret_cannot_have_is_a_failure_like_others(
    world: World, maker: LocalServer, stopped: StoppedClock
) -> None:
    edit = SecretEdit(kind=SecretKind.OAUTH_TOKEN)
    put_secret(world.dev.actor, "deploy", b'{"access_token": "a"}', folder=Folder(project=world.project), edit=edit)
    plan_callback(world.dev, maker)
    stopped.go(days=30)
    attend_due_secrets()
    secret = access_secret(world.dev.actor, "deploy")
    assert (secret.current_number, secret.rotation_tries) == (1, 1)
    assert "OAuth token" in secret.rotation_problem
    assert NEXT not in secret.rotation_problem
    assert told(world, "secret.rotation_failed") == 1


def test_slow_callbacks_and_many_of_them_keep_nobody_else_waiting(
    world: World, maker: LocalServer, stopped: StoppedClock
) -> None:
    for number in range(4):
        put_secret(world.dev.actor, f"ours-{number}", FIRST, folder=Folder(project=world.project))
        set_rotation(world.dev.actor, f"ours-{number}", Rotation(30, RotateBy.CALLBACK, maker.url("/next")))
    stopped.go(minutes=1)
    theirs = put_secret(world.stranger.actor, "theirs", FIRST, folder=Folder(project=world.other_project))
    set_rotation(world.stranger.actor, theirs.pk, Rotation(30, RotateBy.CALLBACK, maker.url("/next")))

    def slowly(_asked: Any) -> list[bytes]:
        stopped.go(seconds=20)
        return [says({"value": NEXT})]

    maker.speech = slowly
    stopped.go(days=30)
    # Theirs came last and is looked at second; after three there is no time left in this tick.
    assert attend_due_secrets() == 3
    assert access_secret(world.stranger.actor, theirs.pk).current_number == 2
    assert attend_due_secrets() == 2


def test_a_callback_that_fails_is_asked_again_for_the_same_value(
    world: World, maker: LocalServer, stopped: StoppedClock
) -> None:
    put(world.dev, world)
    plan_callback(world.dev, maker)
    answers = [
        answer(b"no", status="503 Away"),
        answer(b"<html>", Content_Type="text/html"),
        says({"secret": "?"}),
        says({"value": ""}),
        says({"value": "===", "encoding": "base64"}),
        says({"value": base64.b64encode(b"\x00\xff").decode(), "encoding": "base64"}),
    ]
    maker.speech = lambda asked: [answers[len(maker.asked) - 1]]
    stopped.go(days=30)
    for tries in range(1, 6):
        attend_due_secrets()
        assert attend_due_secrets() == 0  # not before its time
        secret = access_secret(world.dev.actor, "deploy")
        assert (secret.current_number, secret.rotation_tries) == (1, tries)
        assert secret.rotation_problem
        stopped.go(days=1)
    attend_due_secrets()
    assert read_secret(world.dev.actor, "deploy").value == b"\x00\xff"
    assert access_secret(world.dev.actor, "deploy").rotation_problem == ""
    assert len({asked.headers["idempotency-key"] for asked in maker.asked}) == 1
    assert told(world, "secret.rotation_failed") == 5


def test_a_maker_that_answers_later_puts_the_value_itself(
    world: World, maker: LocalServer, stopped: StoppedClock
) -> None:
    maker.speech = lambda asked: [answer(b"", status="202 Accepted")]
    put(world.dev, world)
    plan_callback(world.dev, maker)
    stopped.go(days=30)
    assert [attend_due_secrets(), attend_due_secrets()] == [1, 0]
    add_version(world.dev.actor, "deploy", NewValue(b"put by its maker"))
    stopped.go(days=2)
    assert (attend_due_secrets(), len(maker.asked)) == (0, 1)


def test_what_a_person_put_meanwhile_stays(
    world: World, maker: LocalServer, stopped: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world.dev, world)
    plan_callback(world.dev, maker)
    stopped.go(days=30)
    original = rotation.ask_for_value

    def asks(*args: Any, **options: Any) -> bytes | None:
        value = original(*args, **options)
        add_version(world.dev.actor, "deploy", NewValue(b"by hand"))
        return value

    monkeypatch.setattr(rotation, "ask_for_value", asks)
    attend_due_secrets()
    assert read_secret(world.dev.actor, "deploy").value == b"by hand"


def test_an_address_inside_is_not_asked(world: World, stopped: StoppedClock, settings: Any) -> None:
    with LocalServer() as inside:
        settings.EGRESS_ALLOW = f"127.0.0.1:{inside.port}"
        put(world.dev, world)
        plan_callback(world.dev, inside)
        settings.EGRESS_ALLOW = ""
        stopped.go(days=30)
        attend_due_secrets()
        assert inside.asked == []
    assert "may not be reached" in access_secret(world.dev.actor, "deploy").rotation_problem


def test_several_clocks_ask_once(committed_world: World, maker: LocalServer, stopped: StoppedClock) -> None:
    world = committed_world
    put(world.dev, world)
    plan_callback(world.dev, maker)
    stopped.go(days=30)

    def tick(_: int) -> int:
        try:
            return attend_due_secrets()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(tick, range(6))) == 1
    assert len(maker.asked) == 1
    with tenant(world.acme.pk):
        assert SecretVersion.objects.for_organization(world.acme.pk).count() == 2


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Any:
    """Mail what is written in the block at once."""
    monkeypatch.setattr(send_reminder, "delay", send_reminder)
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_people_are_reminded_and_not_each_minute(world: World, stopped: StoppedClock, posted: Any) -> None:
    put(world.dev, world)
    set_rotation(world.dev.actor, "deploy", Rotation(90))
    stopped.go(days=90)
    with posted():
        assert [attend_due_secrets(), attend_due_secrets()] == [1, 0]
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([world.dev.person.email], "Secret deploy is due for a new value")
    assert FIRST.decode() not in letter.body
    stopped.go(days=7)
    leave(world)
    with posted():
        assert attend_due_secrets() == 1
    assert {at for letter in mail.outbox[1:] for at in letter.to} == {
        world.admin.person.email,
        world.system_admin.person.email,
    }


def test_an_end_is_told_a_week_before_and_once(world: World, stopped: StoppedClock, posted: Any) -> None:
    put(world.dev, world)
    change_secret(world.dev.actor, "deploy", edit=SecretEdit(expires_at=(START + timedelta(days=20),)))
    assert attend_due_secrets() == 0
    stopped.go(days=13)
    with posted():
        assert [attend_due_secrets(), attend_due_secrets()] == [1, 0]
    assert [letter.subject for letter in mail.outbox] == ["Secret deploy expires soon"]
    change_secret(world.dev.actor, "deploy", edit=SecretEdit(expires_at=(START + timedelta(days=60),)))
    assert attend_due_secrets() == 0


def test_what_was_destroyed_is_gone_after_its_window(
    world: World, stopped: StoppedClock, maker: LocalServer, settings: Any
) -> None:
    secret = put(world.dev, world)
    plan_callback(world.dev, maker)
    destroy_secret(world.dev.actor, "deploy")
    stopped.go(days=settings.VAULT_RESTORE_DAYS, seconds=-1)
    assert (attend_due_secrets(), len(maker.asked)) == (0, 0)
    assert access_secret(world.dev.actor, secret.pk, may_be_destroyed=True).is_destroyed
    stopped.go(seconds=1)
    assert [attend_due_secrets(), attend_due_secrets()] == [1, 0]
    with pytest.raises(NotFound):
        access_secret(world.dev.actor, secret.pk, may_be_destroyed=True)
    with tenant(world.acme.pk):
        assert not SecretVersion.objects.for_organization(world.acme.pk).exists()
    assert told(world, "secret.gone") == 1


def test_one_secret_that_breaks_holds_up_no_other(
    world: World, stopped: StoppedClock, maker: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world.dev, world)
    plan_callback(world.dev, maker)
    put_secret(world.stranger.actor, "theirs", b"1", folder=Folder(project=world.other_project))
    set_rotation(world.stranger.actor, "theirs", Rotation(30, RotateBy.CALLBACK, maker.url("/theirs")))
    original = rotation.signing_key_of

    def breaks(secret: Secret) -> bytes:
        if secret.key == "deploy":
            raise ZeroDivisionError
        return original(secret)

    monkeypatch.setattr(rotation, "signing_key_of", breaks)
    stopped.go(days=30)
    assert attend_due_secrets() == 1
    assert [asked.path for asked in maker.asked] == ["/theirs"]
    assert read_secret(world.stranger.actor, "theirs").value == NEXT.encode()
    assert read_secret(world.dev.actor, "deploy").value == FIRST


@pytest.mark.parametrize(
    ("plan", "place"),
    [
        (Rotation(-1), "every_days"),
        (Rotation(5_000), "every_days"),
        (Rotation(30, grace_seconds=10**9), "grace_seconds"),
        (Rotation(30, RotateBy.CALLBACK), "callback_url"),
        (Rotation(30, RotateBy.REMINDER, "https://maker.example"), "by"),
        (Rotation(30, RotateBy.CALLBACK, "http://maker.example/next"), "callback_url"),
        (Rotation(30, RotateBy.CALLBACK, "https://user:pass@maker.example/"), "callback_url"),
        (Rotation(30, RotateBy.CALLBACK, "file:///etc/passwd"), "callback_url"),
        (Rotation(30, RotateBy.CALLBACK, "https://[::1"), "callback_url"),
        (Rotation(30, RotateBy.CALLBACK, "https://"), "callback_url"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(world: World, plan: Rotation, place: str) -> None:
    put(world.dev, world)
    with pytest.raises(SecretInvalid) as refused:
        set_rotation(world.dev.actor, "deploy", plan)
    assert refused.value.details["errors"][0]["place"] == place
    assert access_secret(world.dev.actor, "deploy").rotates_at is None


def test_who_may_only_use_a_secret_plans_nothing_for_it(world: World) -> None:
    put_secret(world.admin.actor, "deploy", FIRST, folder=Folder(SecretScope.ORGANIZATION))
    for who, refusal in ((world.dev, NotAllowed), (world.viewer, NotAllowed), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            set_rotation(who.actor, "deploy", Rotation(30))


def test_a_plan_is_made_over_the_api(world: World, api: Any) -> None:
    put(world.dev, world)
    plan = {"every_days": 30, "by": "callback", "callback_url": "https://maker.example/next"}
    address = "/api/v1/secrets/deploy/rotation/"
    answer = api(world.dev).put(address, plan, format="json")
    assert answer["Cache-Control"] == "no-store"
    assert len(bytes.fromhex(answer.json()["signing_key"])) == 32
    assert answer.json()["secret"]["rotate_every_days"] == 30
    assert answer.json()["secret"]["callback_host"] == "maker.example"
    assert FIRST.decode() not in answer.content.decode()
    refused = api(world.dev).put(address, {**plan, "callback_url": ""}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["place"]) == (422, "callback_url")
    assert api(world.dev).put(address, {"every_days": 0}, format="json").json()["signing_key"] == ""
    assert access_secret(world.dev.actor, "deploy").rotates_at is None
