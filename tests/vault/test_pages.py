# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The vault's pages: what they show, what they never show, and who is let in."""

import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.tenancy import tenant
from tests.accounts.pages.conftest import browser_of
from tests.factories import Someone, World
from vault.errors import VaultShredded
from vault.models import RotateBy, Secret, SecretReference, SecretScope
from vault.operations.rotation import Rotation, set_rotation
from vault.operations.secrets import Folder, destroy_secret, put_secret
from vault.operations.values import read_secret
from vault.queries.secrets import access_secret

VALUE = "canary-4c9e-line one\nline two"


@pytest.fixture
def secret(world: World) -> Secret:
    return put_secret(world.dev.actor, "github", VALUE.encode(), folder=Folder(project=world.project))


def browse(who: Someone | None, *, fresh: bool = False) -> Client:
    client = browser_of(who)
    if who and fresh:
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
        session["account_authentication_methods_user"] = str(who.person.pk)
        session.save()
    return client


def text_of(response: Any) -> str:
    return str(response.content.decode())


def told(world: World, action: str) -> int:
    with tenant(world.acme.pk):
        return AuditEvent.objects.for_organization(world.acme.pk).filter(action=action).count()


def test_a_secret_is_put_away_and_shown_without_its_value(world: World) -> None:
    client = browse(world.dev)
    said = {"key": "github", "value": VALUE.replace("\n", "\r\n"), "folder": f"project:{world.project.pk}"}
    answer = client.post("/vault/new/", {**said, "kind": "generic", "tags": "ci, Prod"}, follow=True)
    assert "github is sealed." in text_of(answer)
    for page in (text_of(answer), text_of(client.get("/vault/")), text_of(client.get("/vault/?tag=prod&q=git"))):
        assert "github" in page
        assert "canary" not in page
    assert read_secret(world.dev.actor, "github").value == VALUE.encode()
    assert access_secret(world.dev.actor, "github").tags == ["ci", "prod"]


@pytest.mark.parametrize("wrong", [{"key": "no way/"}, {"value": "c" * 66_000}, {"folder": "organization:"}])
def test_a_value_is_not_sent_back_with_what_is_wrong(world: World, wrong: dict[str, str]) -> None:
    said = {"key": "github", "value": VALUE, "folder": "personal:", "kind": "generic", **wrong}
    answer = browse(world.dev).post("/vault/new/", said)
    assert answer.status_code == 422
    assert "canary" not in text_of(answer)
    assert "cccc" not in text_of(answer)
    assert "Nothing was saved yet" in text_of(answer) or "at most" in text_of(answer)


def test_what_is_there_is_replaced_by_who_says_so(world: World, secret: Secret) -> None:
    said = {"key": "github", "value": "second", "folder": f"project:{world.project.pk}", "kind": "generic"}
    refused = browse(world.lead).post("/vault/new/", said)
    assert (refused.status_code, "There is a secret" in text_of(refused)) == (422, True)
    assert read_secret(world.dev.actor, "github").value == VALUE.encode()
    browse(world.lead).post("/vault/new/", {**said, "replaces": "on"})
    assert read_secret(world.dev.actor, "github").value == b"second"


def test_who_is_let_in(world: World, secret: Secret) -> None:
    pages = [reverse(name, args=[secret.pk]) for name in ("secret", "reveal-secret", "new-value", "destroy-secret")]
    for page in ["/vault/", "/vault/new/", *pages]:
        statuses = {
            "nobody": browse(None).get(page).status_code,
            "stranger": browse(world.stranger).get(page).status_code,
            "viewer": browse(world.viewer, fresh=True).get(page).status_code,
            "dev": browse(world.dev, fresh=True).get(page).status_code,
        }
        is_own = str(secret.pk) in page
        assert statuses == {"nobody": 302, "stranger": 404 if is_own else 200, "viewer": 403, "dev": 200}, page
    for page in ("/vault/tag-rules/", "/vault/keys/"):
        found = {who: browse(getattr(world, who)).get(page).status_code for who in ("dev", "lead", "viewer", "admin")}
        assert found == {"dev": 403, "lead": 403, "viewer": 403, "admin": 200}
    assert 'href="/vault/"' not in text_of(browse(world.viewer).get("/runs/"))
    assert 'href="/vault/"' in text_of(browse(world.dev).get("/runs/"))


def test_a_value_is_shown_after_a_fresh_sign_in_only(world: World, secret: Secret) -> None:
    page = reverse("reveal-secret", args=[secret.pk])
    old = browse(world.dev)
    for ask in (old.get, old.post):
        answer = ask(page)
        assert answer["Location"] == f"/account/reauthenticate/?next=%2Fvault%2F{secret.pk}%2Freveal%2F"
        assert "canary" not in text_of(answer)
    assert told(world, "secret.read") == 0
    assert told(world, "secret.refused") == 2
    fresh = browse(world.dev, fresh=True)
    asked = fresh.get(page)
    assert "canary" not in text_of(asked)
    shown = fresh.post(page)
    assert "canary-4c9e-line one\nline two" in text_of(shown)
    assert shown["Cache-Control"] == "no-store"
    assert shown["Refresh"] == f"30; url=/vault/{secret.pk}/"
    assert told(world, "secret.read") == 1


def test_what_is_tried_with_a_closed_secret_is_told(world: World, secret: Secret) -> None:
    client = browse(world.admin, fresh=True)
    hers = put_secret(world.dev.actor, "hers", b"canary", folder=Folder(scope=SecretScope.PERSONAL))
    for name in ("reveal-secret", "new-value", "destroy-secret", "share-secret", "roll-back-secret"):
        assert client.post(reverse(name, args=[hers.pk])).status_code == 404
    assert client.get(reverse("secret", args=[hers.pk])).status_code == 404
    assert told(world, "secret.refused") == 5


def test_where_next_values_come_from_is_shown_to_those_whose_secret_it_is(world: World) -> None:
    ours = put_secret(world.admin.actor, "ours", b"canary", folder=Folder(scope=SecretScope.ORGANIZATION))
    plan = Rotation(30, RotateBy.CALLBACK, "https://maker.example/next?sesame=4c9e")
    set_rotation(world.admin.actor, ours.pk, plan)
    page = reverse("secret-rotation", args=[ours.pk])
    assert "sesame=4c9e" in text_of(browse(world.admin).get(page))
    for closed in (page, reverse("new-value", args=[ours.pk])):
        answer = browse(world.dev).get(closed)
        assert answer.status_code == 403
        assert "sesame" not in text_of(answer)


def test_bytes_are_shown_in_hex(world: World) -> None:
    secret = put_secret(world.dev.actor, "binary", b"\x00\xffz", folder=Folder(SecretScope.PERSONAL))
    assert "00ff7a" in text_of(browse(world.dev, fresh=True).post(reverse("reveal-secret", args=[secret.pk])))


def test_another_value_and_the_way_back(world: World, secret: Secret) -> None:
    client = browse(world.dev)
    client.post(reverse("new-value", args=[secret.pk]), {"value": "second", "grace_seconds": "3600"})
    assert read_secret(world.dev.actor, "github").value == b"second"
    page = text_of(client.get(reverse("secret", args=[secret.pk])))
    assert "read until" in page
    client.post(reverse("roll-back-secret", args=[secret.pk]), {"version": "1"})
    assert read_secret(world.dev.actor, "github").value == VALUE.encode()
    assert client.post(reverse("roll-back-secret", args=[secret.pk]), {"version": "77"}).status_code == 404


def test_a_plan_with_a_callback_shows_its_key_once(world: World, secret: Secret) -> None:
    client, page = browse(world.dev), reverse("secret-rotation", args=[secret.pk])
    said = {"every_days": "30", "by": "callback", "callback_url": "https://maker.example/next", "grace_seconds": "0"}
    shown = text_of(client.post(page, said))
    assert "What its requests are signed with" in shown
    assert "every 30 days" in text_of(client.get(reverse("secret", args=[secret.pk])))
    wrong = client.post(page, {**said, "callback_url": ""})
    assert (wrong.status_code, "Say the callback_url" in text_of(wrong)) == (422, True)


def test_what_names_a_secret_is_shown_before_it_is_destroyed(world: World, secret: Secret) -> None:
    with tenant(world.acme.pk):
        SecretReference.objects.create(
            organization=world.acme,
            project=world.project,
            key="github",
            about_kind="flow",
            about_id=world.project.pk,
            about_label="Nightly push",
        )
    client, page = browse(world.dev), reverse("destroy-secret", args=[secret.pk])
    assert "Nightly push" in text_of(client.get(page))
    refused = client.post(page)
    assert (refused.status_code, access_secret(world.dev.actor, "github").is_destroyed) == (409, False)
    client.post(page, {"even_if_used": "on"})
    assert "github" in text_of(client.get("/vault/?which=destroyed"))
    assert "Nobody gets its value" in text_of(client.get(reverse("secret", args=[secret.pk])))
    client.post(reverse("restore-secret", args=[secret.pk]))
    assert read_secret(world.dev.actor, "github").value == VALUE.encode()


def test_a_secret_is_shared_and_taken_back(world: World) -> None:
    secret = put_secret(world.admin.actor, "mine", VALUE.encode(), folder=Folder(SecretScope.PERSONAL))
    client = browse(world.admin)
    client.post(reverse("share-secret", args=[secret.pk]), {"whom": f"team:{world.team.pk}"})
    assert read_secret(world.dev.actor, "mine").value == VALUE.encode()
    assert browse(world.dev).post(reverse("destroy-secret", args=[secret.pk])).status_code == 403
    page = text_of(client.get(reverse("secret", args=[secret.pk])))
    (share,) = [part.split("/")[0] for part in page.split("/shares/")[1:]]
    client.post(reverse("unshare-secret", args=[secret.pk, share]))
    assert browse(world.dev).get(reverse("secret", args=[secret.pk])).status_code == 404


def test_a_rule_closes_what_carries_its_tag(world: World, secret: Secret) -> None:
    client = browse(world.admin)
    browse(world.dev).post(reverse("secret", args=[secret.pk]), {"kind": "generic", "tags": "prod"})
    client.post("/vault/tag-rules/", {"tag": "prod", "effect": "deny", "whom": "role:developer"})
    assert browse(world.dev).get(reverse("secret", args=[secret.pk])).status_code == 404
    assert browse(world.lead).get(reverse("secret", args=[secret.pk])).status_code == 200
    page = text_of(client.get("/vault/tag-rules/"))
    (rule,) = [part.split("/")[0] for part in page.split("/tag-rules/")[1:] if "/drop/" in part[:60]]
    client.post(reverse("drop-tag-rule", args=[rule]))
    assert browse(world.dev).get(reverse("secret", args=[secret.pk])).status_code == 200


def test_keys_are_rotated_by_page(world: World, secret: Secret) -> None:
    client = browse(world.admin)
    assert "In use" in text_of(client.get("/vault/keys/"))
    answer = client.post("/vault/keys/", follow=True)
    assert "Key 2 is in use." in text_of(answer)
    assert read_secret(world.dev.actor, "github").value == VALUE.encode()


def test_the_destroyed_of_others_stay_theirs(world: World, secret: Secret) -> None:
    destroy_secret(world.dev.actor, "github")
    assert "github" not in text_of(browse(world.stranger).get("/vault/?which=destroyed"))
    assert browse(world.stranger).post(reverse("restore-secret", args=[secret.pk])).status_code == 404
    assert browse(world.viewer).post(reverse("restore-secret", args=[secret.pk])).status_code == 403


def test_the_vault_is_shredded_by_an_admin_who_says_so_twice(world: World, secret: Secret) -> None:
    page = "/vault/keys/shred/"
    assert browse(world.dev, fresh=True).post(page, {"confirm": "acme"}).status_code == 403
    assert browse(world.admin).post(page, {"confirm": "acme"}).status_code == 403  # signed in too long ago
    client = browse(world.admin, fresh=True)
    assert client.post(page, {"confirm": "other"}).status_code == 422
    assert read_secret(world.dev.actor, "github").value == VALUE.encode()
    answer = client.post(page, {"confirm": "acme"}, follow=True)
    assert "1 versions can be opened by nobody." in text_of(answer)
    assert "It is final on" in text_of(client.get("/vault/keys/"))
    with pytest.raises(VaultShredded):
        read_secret(world.dev.actor, "github")
