# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""An OAuth token is renewed when it is used and over: by one asker, sealed anew, and never shown."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connections

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from codexos.kernel import clock
from codexos.kernel.egress import EgressRefused
from codexos.kernel.errors import Unavailable
from tests.factories import World
from tests.kernel.local_server import Asked, LocalServer, answer
from vault.engine.oauth import OAuthToken, read_oauth_token
from vault.errors import KeyUnavailable, RefreshRefused, SecretInvalid
from vault.models import SecretKind
from vault.operations import refreshing
from vault.operations.rotation import Rotation, set_rotation
from vault.operations.secrets import Folder, SecretEdit, put_secret
from vault.operations.values import read_secret, use_secret
from vault.queries.secrets import access_secret, list_versions


class Provider:
    """A token endpoint as RFC 6749 has it: a refresh token is good once."""

    def __init__(self) -> None:
        self.good = "refresh-1"
        self.given = 0

    def __call__(self, asked: Asked) -> Iterator[bytes]:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        is_right = (
            asked.method == "POST"
            and asked.headers["content-type"].startswith("application/x-www-form-urlencoded")
            and form.get("grant_type") == "refresh_token"
            and (form.get("client_id"), form.get("client_secret")) == ("codexos", "client-secret-9")
        )
        if not is_right:
            yield self._says({"error": "invalid_request"}, status="400 Bad Request")
        elif form.get("refresh_token") != self.good:
            yield self._says({"error": "invalid_grant", "hint": form.get("refresh_token")}, status="400 Bad Request")
        else:
            self.given += 1
            self.good = f"refresh-{self.given + 1}"
            yield self._says(
                {"access_token": f"access-{self.given + 1}", "refresh_token": self.good, "expires_in": 3600}
            )

    @staticmethod
    def _says(body: Any, *, status: str = "200 OK") -> bytes:
        return answer(json.dumps(body).encode(), status=status, Content_Type="application/json")


@pytest.fixture
def provider(settings: Any) -> Iterator[LocalServer]:
    with LocalServer(Provider()) as running:
        settings.EGRESS_ALLOW = f"127.0.0.1:{running.port}"
        yield running


def put(world: World, provider: LocalServer, *, ends_in: timedelta = timedelta(seconds=-1), **more: str) -> None:
    token = {
        "access_token": "access-1",
        "refresh_token": "refresh-1",
        "token_url": provider.url("/token"),
        "client_id": "codexos",
        "client_secret": "client-secret-9",
        "expires_at": (clock.now() + ends_in).isoformat(),
        **more,
    }
    value = json.dumps({name: item for name, item in token.items() if item}).encode()
    edit = SecretEdit(kind=SecretKind.OAUTH_TOKEN)
    put_secret(world.dev.actor, "forge", value, folder=Folder(project=world.project), edit=edit)


def use(world: World) -> bytes:
    return use_secret(world.dev.actor, "forge", project=world.project, by={"run": "r1"}).usable


def test_a_token_that_is_over_is_renewed_when_it_is_used(world: World, provider: LocalServer) -> None:
    put(world, provider)
    assert use(world) == use(world) == b"access-2"
    assert len(provider.asked) == 1
    sealed = json.loads(read_secret(world.dev.actor, "forge").value)
    assert (sealed["refresh_token"], sealed["client_secret"]) == ("refresh-2", "client-secret-9")
    assert access_secret(world.dev.actor, "forge").current_number == 2


def test_a_token_that_is_good_is_used_as_it_is(world: World, provider: LocalServer) -> None:
    put(world, provider, ends_in=timedelta(minutes=5))
    assert use(world) == b"access-1"
    assert provider.asked == []


def test_what_is_used_is_told_under_the_number_it_was_sealed_as(world: World, provider: LocalServer) -> None:
    put(world, provider)
    use(world)
    use(world)
    with tenant(world.acme.pk):
        used = AuditEvent.objects.for_organization(world.acme.pk).filter(action="secret.used")
        assert [event.details["version"] for event in used] == [2, 2]


def test_no_refresh_token_is_spent_while_nothing_can_be_sealed(
    world: World, provider: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, provider)

    def is_away(_organization: Any) -> Any:
        raise KeyUnavailable(master="aws:key", because="it could not be asked")

    with monkeypatch.context() as patch:
        patch.setattr(refreshing, "key_in_use", is_away)
        with pytest.raises(KeyUnavailable):
            use(world)
    assert provider.asked == []
    assert use(world) == b"access-2"


def test_a_renewal_puts_off_no_reminder(world: World, provider: LocalServer) -> None:
    put(world, provider)
    due_at = set_rotation(world.dev.actor, "forge", Rotation(90)).secret.rotates_at
    use(world)
    secret = access_secret(world.dev.actor, "forge")
    assert (secret.current_number, secret.rotates_at, secret.attended_at) == (2, due_at, due_at)


@pytest.mark.parametrize(
    ("more", "scope", "lasts"),
    [
        ({"scope": ["read", "write"], "expires_in": 60}, "read", 60),
        ({"refresh_token": {"is": "none"}, "expires_in": "60"}, "read", 60),
        ({"scope": "write", "expires_in": 60.5}, "write", 60.5),
        ({"expires_in": "soon"}, "read", None),
        ({"expires_in": True}, "read", None),
        ({"expires_in": 1e300}, "read", None),
    ],
)
def test_whatever_a_provider_answers_beside_the_token_it_is_kept(more: Any, scope: str, lasts: float | None) -> None:
    now = clock.now()
    before = OAuthToken({"access_token": "a", "refresh_token": "r", "scope": "read"})
    after = read_oauth_token(before.refreshed({"access_token": "b", **more}, now=now).as_value())
    assert (after.access_token, after.said["refresh_token"], after.said["scope"]) == ("b", "r", scope)
    assert after.expires_at == (None if lasts is None else now + timedelta(seconds=lasts))


@pytest.mark.parametrize("answered", [{}, {"access_token": ""}, {"access_token": 5}, [], "access_token"])
def test_an_answer_without_a_token_is_none(answered: Any) -> None:
    with pytest.raises(RefreshRefused):
        OAuthToken({"access_token": "a"}).refreshed(answered, now=clock.now())


def test_of_many_who_use_it_at_once_one_asks(committed_world: World, provider: LocalServer) -> None:
    put(committed_world, provider)

    def one(_: int) -> bytes:
        try:
            return use(committed_world)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(8))) == {b"access-2"}
    assert len(provider.asked) == 1


def test_a_refusal_is_told_without_what_was_sent(world: World, provider: LocalServer) -> None:
    put(world, provider, refresh_token="canary-stale-refresh")
    with pytest.raises(RefreshRefused, match=r"invalid_grant \(400\). Connect it again") as refused:
        use(world)
    assert "canary" not in str(refused.value)
    with tenant(world.acme.pk):
        events = AuditEvent.objects.for_organization(world.acme.pk)
        assert events.filter(action="secret.refused", details__code="refresh_refused").count() == 1
        assert "canary" not in str(list(events.values()))
    # the next one may ask: nobody is left waiting for who was refused
    with pytest.raises(RefreshRefused):
        use(world)


def test_a_provider_that_is_away_does_no_harm_while_the_token_is_good(world: World, provider: LocalServer) -> None:
    provider.speech = lambda asked: [answer(b"", status="503 Away")]
    put(world, provider, ends_in=timedelta(seconds=30))
    assert use(world) == b"access-1"
    assert len(provider.asked) == 1


def test_a_provider_that_is_away_may_be_asked_again(world: World, provider: LocalServer) -> None:
    works, provider.speech = provider.speech, lambda asked: [answer(b"", status="503 Away")]
    put(world, provider)
    with pytest.raises(Unavailable):
        use(world)
    provider.speech = works
    assert use(world) == b"access-2"


def test_one_that_cannot_be_renewed_is_used_as_it_is(world: World, provider: LocalServer) -> None:
    put(world, provider, refresh_token="")
    assert use(world) == b"access-1"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("canary-not-json", "is JSON"),
        ("[]", "JSON object"),
        ('{"access_token": ""}', "at least"),
        ('{"access_token": "canary", "password": "canary"}', "and nothing else"),
        ('{"access_token": "canary", "scope": 5}', "and nothing else"),
        ('{"access_token": "canary", "expires_at": "soon"}', "as a moment"),
        ('{"access_token": "canary", "expires_at": "2030-01-01T00:00:00"}', "time zone"),
        ('{"access_token": "canary", "token_url": "file:///x"}', "https"),
        ('{"access_token": "canary", "token_url": "https://[::1"}', "https"),
    ],
)
def test_what_is_no_token_is_refused_without_repeating_it(world: World, value: str, says: str) -> None:
    edit = SecretEdit(kind=SecretKind.OAUTH_TOKEN)
    with pytest.raises(SecretInvalid, match=says) as refused:
        put_secret(world.dev.actor, "forge", value.encode(), folder=Folder(project=world.project), edit=edit)
    assert "canary" not in str(refused.value)


def test_renewed_ones_do_not_pile_up(world: World, provider: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, provider)
    start = clock.now()
    for hours in range(2, 12, 2):
        assert use(world) == f"access-{hours // 2 + 1}".encode()
        monkeypatch.setattr(clock, "now", lambda hours=hours: start + timedelta(hours=hours))
    kept = list_versions(world.dev.actor, access_secret(world.dev.actor, "forge")).rows
    assert [row.number for row in kept] == [6, 5, 1]


def test_a_refresh_token_is_not_sent_where_everybody_can_read_it(world: World, settings: Any) -> None:
    settings.EGRESS_ALLOW = ""
    token = {"access_token": "a", "refresh_token": "canary", "client_id": "c", "expires_at": clock.now().isoformat()}
    value = json.dumps({**token, "token_url": "http://tokens.example/token"}).encode()
    edit = SecretEdit(kind=SecretKind.OAUTH_TOKEN)
    put_secret(world.dev.actor, "forge", value, folder=Folder(project=world.project), edit=edit)
    with pytest.raises(EgressRefused, match="use https"):
        use(world)
