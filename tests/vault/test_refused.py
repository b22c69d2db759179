# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the vault refuses over HTTP is told in the trail; being refused for asking too often costs nothing."""

import json
from typing import Any

import pytest
from django.test import Client

from codexos.throttles import ActorThrottle
from tests.factories import World, client_for, sign_in
from tests.vault.test_api import GITHUB, VALUE, put, refusals


@pytest.fixture
def dev(world: World) -> Any:
    """A developer's client."""
    return client_for(world.dev)


def test_an_old_session_neither_shreds_nor_makes_itself_a_key_to_the_vault(world: World, dev: Any) -> None:
    put(dev)
    browser = Client()
    sign_in(browser, world.admin.person, seconds_ago=301)
    tries = {
        "/api/v1/vault/shred/": {"confirm": "acme"},
        "/api/v1/tokens/": {"name": "CI", "scopes": ["read", "vault"]},
    }
    for path, body in tries.items():
        answer = browser.post(path, json.dumps(body), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_not_fresh")
    assert [told["tried"] for told in refusals(world)] == ["shred"]
    page = browser.post("/settings/tokens/new/", {"name": "CI", "scopes": ["vault"], "days": "30", "expires_in": "30"})
    assert page["Location"] == "/account/reauthenticate/?next=%2Fsettings%2Ftokens%2Fnew%2F"
    assert dev.get(GITHUB + "value/").json()["value"] == VALUE
    sign_in(browser, world.admin.person)
    for path, body in tries.items():
        assert browser.post(path, json.dumps(body), content_type="application/json").status_code in (200, 201)


def test_who_asks_too_often_writes_nothing(world: World, dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActorThrottle, "allow_request", lambda *_: False)
    monkeypatch.setattr(ActorThrottle, "wait", lambda *_: 1.0)
    assert [dev.get(GITHUB + "value/").status_code, put(dev).status_code] == [429, 429]
    assert refusals(world) == []


def test_what_is_refused_about_rules_and_keys_is_told(world: World, dev: Any) -> None:
    rule = {"tag": "prod", "effect": "allow", "role": "developer"}
    assert dev.post("/api/v1/vault/tag-rules/", rule, format="json").status_code == 403
    assert dev.delete(f"/api/v1/vault/tag-rules/{world.acme.pk}/").status_code == 403
    assert dev.post("/api/v1/vault/keys/rotate/").status_code == 403
    told = [(event["tried"], event["code"]) for event in refusals(world)]
    assert told == [
        ("make tag rule", "not_allowed"),
        ("drop tag rule", "not_allowed"),
        ("rotate key", "not_allowed"),
    ]
