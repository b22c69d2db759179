# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Secrets over HTTP: what is answered, what is refused and told, and that a value comes out at one place alone."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from accounts.operations.tokens import issue_token
from accounts.roles import TokenScope
from accounts.tenancy import tenant
from codexos.kernel import clock
from tests.factories import World, client_for, sign_in
from vault.models import SecretScope
from vault.operations.references import note_references
from vault.operations.secrets import Folder, put_secret

VALUE = "canary-b1946ac9-value"
PUT = "/vault/put"
SECRETS = "/api/v1/secrets/"
GITHUB = SECRETS + "github/"


@pytest.fixture
def dev(world: World) -> Any:
    """A developer's client."""
    return client_for(world.dev)


def put(client: Any, key: str = "github", value: Any = VALUE, **more: Any) -> Any:
    return client.post(PUT, {"key": key, "value": value, **more}, format="json")


def refusals(world: World) -> list[dict[str, Any]]:
    with tenant(world.acme.pk):
        rows = AuditEvent.objects.for_organization(world.acme.pk).filter(action="secret.refused")
        return [event.details for event in rows.order_by("id")]


def test_the_short_door_keeps_a_value_and_says_everything_else(dev: Any) -> None:
    answer = put(dev, tags=["Prod"])
    assert answer.status_code == 201
    assert set(answer.json()) == {"key", "version", "tags", "created_at"}
    assert (answer.json()["key"], answer.json()["version"], answer.json()["tags"]) == ("github", 1, ["prod"])
    assert VALUE not in answer.text
    assert put(dev, value="second").json()["version"] == 2
    assert dev.get(answer["Location"]).json()["version"] == 2


def test_a_value_is_answered_at_one_place_alone_and_kept_by_nobody(dev: Any, world: World) -> None:
    put(dev, tags=["prod"])
    seen = dev.get(GITHUB + "value/")
    assert seen.json() == {"key": "github", "version": 1, "value": VALUE, "encoding": "utf-8"}
    assert seen["Cache-Control"] == "no-store"
    assert "ETag" not in seen
    for path in ("", "github/", "github/versions/", "github/uses/", "github/shares/"):
        assert VALUE not in dev.get(SECRETS + path).text
    with tenant(world.acme.pk):
        assert AuditEvent.objects.for_organization(world.acme.pk).filter(action="secret.read").count() == 1


def test_no_log_and_no_problem_repeats_a_value(
    dev: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")
    put(dev)
    dev.get(GITHUB + "value/")
    answers = [
        put(dev, key="a/b"),
        put(dev, value=f"{VALUE}!", encoding="base64"),
        dev.post(GITHUB + "rotate/", {"value": VALUE, "grace": 5}, format="json"),
        dev.post(PUT, f'{{"key": "github", "value": "{VALUE}" "tags"', content_type="application/json"),
        dev.post(PUT, {"key": "github", "value": VALUE}),  # as a form
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 400, 415]

    def breaks(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(AuditEvent.objects, "create", breaks)
    answers += [put(dev), dev.get(GITHUB + "value/")]
    assert [answer.status_code for answer in answers[-2:]] == [500, 500]
    for form in (VALUE, base64.b64encode(VALUE.encode()).decode()):
        assert all(form not in answer.text for answer in answers)
        assert form not in caplog.text


def test_binary_goes_in_and_comes_out_as_base64(dev: Any) -> None:
    raw = bytes(range(256))
    assert put(dev, "binary", base64.b64encode(raw).decode(), encoding="base64").status_code == 201
    seen = dev.get(SECRETS + "binary/value/").json()
    assert (base64.b64decode(seen["value"]), seen["encoding"]) == (raw, "base64")
    put(dev, "text", " ключ\n")
    assert dev.get(SECRETS + "text/value/").json()["value"] == " ключ\n"
    in_base64 = dev.get(SECRETS + "text/value/?encoding=base64").json()
    assert base64.b64decode(in_base64["value"]).decode() == " ключ\n"


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ({"key": "github", "value": ""}, 422, "secret_invalid", "empty"),
        ({"key": "github", "value": "x" * 65 * 1024}, 413, "secret_too_large", "at most 65,536 bytes"),
        ({"key": "github", "value": "no base64!", "encoding": "base64"}, 422, "secret_invalid", "not base64"),
        ({"key": "../etc/passwd", "value": VALUE}, 422, "secret_invalid", "no blank, slash"),
        ({"key": "a/b", "value": VALUE}, 422, "secret_invalid", "no blank, slash"),
        ({"key": "", "value": VALUE}, 422, "secret_invalid", "1 to 100"),
        ({"key": " github", "value": VALUE}, 422, "secret_invalid", "no blank"),
        ({"key": "github", "value": VALUE, "tags": ["a b"]}, 422, "secret_invalid", "tag"),
        ({"key": "github", "value": VALUE, "tags": [f"t{n}" for n in range(21)]}, 422, "secret_invalid", "20 tags"),
        ({"key": "github", "value": VALUE, "tags": ["prod", 7]}, 422, "invalid_input", "tags"),
        ({"key": "github", "value": VALUE, "project_id": "nowhere"}, 404, "project_not_found", "nowhere"),
        ({"key": "github", "value": VALUE, "scope": "team"}, 422, "secret_invalid", "team_id"),
        ({"key": "github", "value": VALUE, "scope": "organization"}, 403, "not_allowed", "organization folder"),
        ({"key": "github", "value": VALUE, "scope": "elsewhere"}, 422, "invalid_input", "not a valid choice"),
        ({"key": "github", "value": 12345}, 422, "invalid_input", "value"),
        ({"key": "github", "value": None}, 422, "invalid_input", "value"),
        ({"key": "github"}, 422, "invalid_input", "value"),
        ({"key": "github", "value": VALUE, "ttl": 5}, 422, "invalid_input", "'ttl' is not known"),
        ('{"key": "github", "value": "\\ud800"}', 422, "invalid_input", "half of a surrogate pair"),
        ('{"key": "\\udfff", "value": "v"}', 422, "invalid_input", "half of a surrogate pair"),
        ('{"key": "github", "value": "a\\u0000b"}', 422, "invalid_input", "NUL"),
        ('{"key": "github", "value": "one", "value": "two"}', 400, "malformed", "twice"),
        ("not json", 400, "malformed", "not JSON"),
    ],
)
def test_what_cannot_be_put_is_refused_clearly_and_told(
    dev: Any, world: World, body: Any, status: int, code: str, says: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    answer = dev.post(PUT, text, content_type="application/json")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert says in problem["detail"]
    assert VALUE not in answer.text
    (told,) = refusals(world)
    assert (told["tried"], told["code"]) == ("put", code)
    assert VALUE not in json.dumps(told)
    assert dev.get(SECRETS).json()["results"] == []


@pytest.mark.parametrize("key", ["schlüssel_日本", "a-b.c_d", "k" * 100, "value", "rotate"])
def test_keys_of_any_script_are_addresses_too(dev: Any, key: str) -> None:
    assert put(dev, key, "x" * 64 * 1024).status_code == 201
    assert dev.get(f"{SECRETS}{key}/").json()["key"] == key
    assert len(dev.get(f"{SECRETS}{key}/value/").json()["value"]) == 64 * 1024


def test_an_address_with_path_characters_finds_nothing(dev: Any) -> None:
    put(dev)
    for key in ("../github", "..%2Fgithub", "git%00hub", "github%2F..", "%E0%A4%A", "g" * 5000):
        assert dev.get(f"{SECRETS}{key}/").status_code in {400, 404}


def test_twenty_clients_that_put_one_key_at_once_lose_no_version(committed_world: World) -> None:
    def one(number: int) -> int:
        try:
            return int(put(client_for(committed_world.dev), "shared", f"value-{number}").json()["version"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        numbers = list(pool.map(one, range(20)))
    assert sorted(numbers) == list(range(1, 21))
    dev = client_for(committed_world.dev)
    assert dev.get(SECRETS + "shared/value/").json()["value"] == f"value-{numbers.index(20)}"
    assert len(dev.get(SECRETS + "shared/versions/").json()["results"]) == 20


def test_a_browser_reads_a_value_only_soon_after_its_sign_in(world: World, dev: Any) -> None:
    put(dev)
    browser = Client()
    sign_in(browser, world.dev.person, seconds_ago=301)
    answer = browser.get(GITHUB + "value/")
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_not_fresh")
    assert answer.json()["confirm_at"] == "/account/reauthenticate/"
    assert VALUE not in answer.text
    assert [told["code"] for told in refusals(world)] == ["sign_in_not_fresh"]
    assert browser.get(GITHUB).json()["key"] == "github"
    sign_in(browser, world.dev.person, seconds_ago=290)
    assert browser.get(GITHUB + "value/").json()["value"] == VALUE
    # a session whose sign-in nobody can date is an old one
    browser.force_login(world.dev.person, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = browser.session
    del session["account_authentication_methods"]
    session.save()
    assert browser.get(GITHUB + "value/").json()["code"] == "sign_in_not_fresh"


def test_another_site_cannot_make_a_browser_reveal(world: World, dev: Any) -> None:
    put(dev)
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser, world.dev.person)
    assert browser.post(GITHUB + "value/").status_code == 403
    assert dev.post(GITHUB + "value/").json()["value"] == VALUE


def test_a_token_reads_what_its_scope_and_project_let_it(world: World, dev: Any) -> None:
    put(dev)
    put_secret(world.admin.actor, "everyones", b"x", folder=Folder(SecretScope.ORGANIZATION))
    reader = client_for(issue_token(world.dev.actor, name="R", scopes=[TokenScope.READ]).value)
    answer = reader.get(GITHUB + "value/")
    assert answer.status_code == 403
    assert "scope 'vault'" in answer.json()["detail"]
    assert reader.get(SECRETS).status_code == 403
    holder = client_for(issue_token(world.dev.actor, name="V", scopes=[TokenScope.VAULT]).value)
    assert holder.get(GITHUB + "value/").json()["value"] == VALUE
    narrow = client_for(issue_token(world.dev.actor, name="N", scopes=[TokenScope.VAULT], project=world.project).value)
    assert [row["key"] for row in narrow.get(SECRETS).json()["results"]] == ["github"]
    assert narrow.get(SECRETS + "everyones/value/").status_code == 404
    assert put(narrow, "of-the-project").status_code == 201
    assert put(narrow, "mine", scope="personal").status_code == 403
    assert narrow.post(GITHUB + "shares/", {"team_id": str(world.team.pk)}, format="json").status_code == 403


def test_an_edit_names_the_state_it_was_made_from(dev: Any) -> None:
    put(dev)
    etag = dev.get(GITHUB)["ETag"]
    edited = dev.patch(
        GITHUB, {"description": "for pushing", "tags": ["ci"]}, format="json", headers={"If-Match": etag}
    )
    assert (edited.json()["description"], edited.json()["tags"], edited["ETag"] != etag) == (
        "for pushing",
        ["ci"],
        True,
    )
    late = dev.patch(GITHUB, {"description": "lost"}, format="json", headers={"If-Match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "secret_changed")
    assert dev.delete(GITHUB, headers={"If-Match": etag}).status_code == 412
    assert dev.get(GITHUB, headers={"If-None-Match": edited["ETag"]}).status_code == 304
    long = dev.patch(GITHUB, {"description": "d" * 501}, format="json")
    assert (long.json()["code"], "at most 500 letters" in long.json()["detail"]) == ("secret_invalid", True)
    ended = dev.patch(GITHUB, {"expires_at": "2020-01-01T00:00:00Z"}, format="json")
    assert ended.json()["expires_at"] == "2020-01-01T00:00:00Z"
    assert dev.get(GITHUB + "value/").json()["code"] == "secret_expired"


def test_versions_rotate_with_grace_and_roll_back(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(dev)
    rotated = dev.post(GITHUB + "rotate/", {"value": "value-two", "grace_seconds": 60}, format="json")
    assert (rotated.status_code, rotated.json()["version"]) == (200, 2)
    assert "value-two" not in rotated.text
    assert dev.get(GITHUB + "value/?version=1").json()["value"] == VALUE
    listed = dev.get(GITHUB + "versions/").json()["results"]
    assert [(row["version"], row["is_current"], row["is_readable"], row["origin"]) for row in listed] == [
        (2, True, True, "rotated"),
        (1, False, True, "put"),
    ]
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=2))
    assert dev.get(GITHUB + "value/?version=1").json()["code"] == "secret_version_closed"
    assert dev.get(GITHUB + "value/?version=7").json()["code"] == "secret_version_not_found"
    assert dev.post(GITHUB + "rollback/", {"version": 1}, format="json").json()["version"] == 3
    assert dev.get(GITHUB + "value/").json()["value"] == VALUE
    assert dev.post(GITHUB + "rotate/", {"value": ""}, format="json").json()["code"] == "secret_invalid"
    late = dev.post(GITHUB + "rotate/", {"value": "x", "grace_seconds": 31 * 86400}, format="json")
    assert (late.status_code, "30 days" in late.json()["detail"]) == (422, True)


def test_what_is_named_is_destroyed_knowingly_and_can_be_restored(dev: Any, world: World) -> None:
    put(dev)
    flow = world.acme.pk
    note_references(world.project, about_kind="flow", about_id=flow, about_label="Nightly", keys=["github"])
    (use,) = dev.get(GITHUB + "uses/").json()["results"]
    assert (use["kind"], use["id"], use["label"], use["project_id"]) == (
        *("flow", str(flow), "Nightly"),
        str(world.project.pk),
    )
    held = dev.delete(GITHUB)
    assert (held.status_code, held.json()["code"], held.json()["used_by"]) == (409, "secret_in_use", ["Nightly"])
    gone = dev.delete(GITHUB + "?even_if_used=true").json()
    assert gone["gone_at"] > gone["destroyed_at"]
    address = f"{SECRETS}{gone['id']}/"
    assert dev.get(GITHUB).status_code == 404
    assert dev.get(address).json()["destroyed_at"] == gone["destroyed_at"]
    assert dev.get(address + "value/").json()["code"] == "secret_destroyed"
    assert [row["key"] for row in dev.get(SECRETS + "?destroyed=true").json()["results"]] == ["github"]
    assert dev.post(address + "restore/").json()["destroyed_at"] is None
    assert dev.get(GITHUB + "value/").json()["value"] == VALUE


def test_a_write_is_done_once_per_key_and_no_value_is_kept_for_it(
    committed_world: World, truth: psycopg.Connection
) -> None:
    dev, once = client_for(committed_world.dev), {"Idempotency-Key": "k-1"}
    body = {"key": "github", "value": VALUE}
    answers = [dev.post(PUT, body, format="json", headers=once) for _ in range(2)]
    assert [answer.json()["version"] for answer in answers] == [1, 1]
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert dev.post(PUT, {**body, "value": "other"}, format="json", headers=once).json()["code"] == "key_reused"
    assert dev.post(GITHUB + "value/", headers={"Idempotency-Key": "k-2"}).json()["value"] == VALUE
    rows = truth.execute(
        "select key, encode(fingerprint, 'hex'), encode(body, 'escape') from accounts_idempotencyrecord"
    )
    ((key, fingerprint, kept),) = rows.fetchall()
    assert key == "k-1"
    assert VALUE not in kept
    # what somebody could find by guessing at the value is keyed
    import hashlib

    sent = json.dumps(body, separators=(",", ":")).encode()
    assert fingerprint != hashlib.sha256(f"POST {PUT}\n".encode() + sent).hexdigest()


def test_a_list_is_filtered_and_asked_for_in_one_statement(world: World, dev: Any) -> None:
    for number in range(5):
        put(dev, f"key-{number}", tags=["even" if number % 2 == 0 else "odd"])
    put(dev, "mine", scope="personal")
    put(dev, "teams", scope="team", team_id=world.team.slug)
    dev.post(SECRETS, {"key": "model", "value": "v", "kind": "llm_api_key", "description": "of the lab"}, format="json")

    def keys(query: str) -> list[str]:
        return sorted(row["key"] for row in dev.get(SECRETS + query).json()["results"])

    assert keys("?tag=even") == ["key-0", "key-2", "key-4"]
    assert keys("?scope=personal") == ["mine"]
    assert keys("?kind=llm_api_key") == keys("?q=the+LAB") == ["model"]
    assert keys(f"?team_id={world.team.slug}") == ["teams"]
    assert len(keys(f"?project_id={world.project.pk}")) == 6
    assert dev.get(SECRETS + "?scope=nowhere").status_code == 422
    first = dev.get(SECRETS + "?limit=3").json()
    second = dev.get(first["next"]).json()
    assert len({row["id"] for row in first["results"] + second["results"]}) == 6
    with CaptureQueriesContext(connection) as asked:
        dev.get(SECRETS)
    about = [query["sql"] for query in asked if 'FROM "vault_' in query["sql"]]
    assert len(about) == 2, about  # the rules that hold for the asker, and the rows


def test_reading_and_putting_take_few_statements(world: World, dev: Any) -> None:
    put(dev)
    dev.get(GITHUB + "value/")
    with CaptureQueriesContext(connection) as reading:
        dev.get(GITHUB + "value/")
    with CaptureQueriesContext(connection) as putting:
        put(dev, value="second")
    # Each transaction is a savepoint here: set up and given back by two statements each.
    assert (len(reading), len(putting)) == (13, 23)


def test_the_bodies_of_other_methods_are_told_too(dev: Any, world: World, api: Callable[..., Any]) -> None:
    put(dev)
    assert dev.patch(GITHUB, {"kind": "wrong"}, format="json").status_code == 422
    assert dev.post(GITHUB + "rotate/", {"value": 7}, format="json").status_code == 422
    assert dev.get(GITHUB + "value/?version=x").status_code == 422
    assert [(told["tried"], told["code"]) for told in refusals(world)] == [
        ("change", "invalid_input"),
        ("rotate", "invalid_input"),
        ("read", "invalid_input"),
    ]
    assert dev.get(SECRETS + "?limit=x").status_code == 422
    assert api(None).post(PUT, "not json", content_type="application/json").status_code == 401
    assert len(refusals(world)) == 3
